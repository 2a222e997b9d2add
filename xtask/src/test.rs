//! `cargo xtask test`: every test of the project, the cheapest first.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::command::{command, run};
use crate::setup::{self, Purpose};
use crate::{extension, models, site};

/// One named step.
struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "setup", run: |root| setup::setup(root, Purpose::Tests) },
    Step { name: "models", run: |root| models::make(root, None) },
    Step { name: "format", run: |root| cargo(root, &["fmt", "--all", "--check"]) },
    Step { name: "types", run: |root| run(&mut command(root, "npm", ["run", "--silent", "typecheck"])) },
    Step { name: "page", run: |root| run(&mut command(root, "npm", ["test", "--silent"])) },
    Step {
        name: "clippy",
        run: |root| cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Step {
        name: "clippy-wasm",
        run: |root| {
            let target = ["clippy", "--lib", "--tests", "--release", "--target", "wasm32-unknown-unknown"];
            for package in
                [&["--no-default-features", "--features", "train"][..], &["--package", "safelight-tokenizer"]]
            {
                cargo(root, &[&target[..], package, &["--", "-D", "warnings"]].concat())?;
            }
            Ok(())
        },
    },
    Step {
        name: "native",
        run: |root| {
            // Not with xtask: together they would unite their features, and burn would be built twice.
            let packages = ["test", "--package", "safelight", "--package", "safelight-tokenizer"];
            run(on_software_gpu(&mut command(root, "cargo", packages)))?;
            cargo(root, &["test", "--package", "xtask"])
        },
    },
    Step { name: "chromium", run: |root| wasm_pack(root, &["--chrome", "--chromedriver"], "chromedriver") },
    Step { name: "firefox", run: |root| wasm_pack(root, &["--firefox", "--geckodriver"], "geckodriver") },
    Step { name: "site", run: |root| site::require_small(&site::build(root)?) },
    Step { name: "e2e", run: |root| e2e(root, &[]) },
    Step {
        name: "extension",
        run: |root| {
            extension::build(root)?;
            extension::lint(root)?;
            e2e(root, &["extension"])
        },
    },
];

/// Names of all steps, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|step| step.name)
}

/// Runs all steps, or only the named ones, and stops at the first that fails.
pub fn test(root: &Path, only: &[String]) -> Result<()> {
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    let mut passed: Vec<(&str, Duration)> = Vec::new();
    for step in STEPS.iter().filter(wanted) {
        eprintln!("── {}", step.name);
        let start = Instant::now();
        let result = (step.run)(root);
        let took = start.elapsed();
        if result.is_err() {
            summary(&passed);
            eprintln!("{:>8.1} s  {}  failed", took.as_secs_f64(), step.name);
        }
        result.with_context(|| format!("The step {0} failed (again: cargo xtask test --only {0})", step.name))?;
        passed.push((step.name, took));
    }
    summary(&passed);
    Ok(())
}

fn summary(passed: &[(&str, Duration)]) {
    eprintln!("── done");
    for (name, took) in passed {
        eprintln!("{:>8.1} s  {name}", took.as_secs_f64());
    }
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    run(&mut command(root, "cargo", arguments))
}

/// The browser tests of the library and of the tokenizer; `webdriver.json` at the root holds the browsers' flags.
fn wasm_pack(root: &Path, browser: &[&str], driver: &str) -> Result<()> {
    let driver = crate::command::find(driver).with_context(|| format!("{driver} is not installed"))?;
    for package in [&[".", "--no-default-features", "--features", "train"][..], &["tokenizer"]] {
        let mut test = command(root, "wasm-pack", ["test", "--release", "--headless", "--mode", "no-install"]);
        test.args(browser).arg(&driver).args(package);
        // Seconds; WebGPU without a GPU is slow.
        run(on_software_gpu(test.env("WASM_BINDGEN_TEST_TIMEOUT", "900")))?;
    }
    Ok(())
}

/// The tests in real browsers: of the page, or those that are named.
fn e2e(root: &Path, names: &[&str]) -> Result<()> {
    run(on_software_gpu(command(root, "npm", ["run", "--silent", "e2e", "--"]).args(names)))
}

/// Shows a program Mesa's software Vulkan driver where there is one, so that every machine runs the same tests.
pub fn on_software_gpu(command: &mut Command) -> &mut Command {
    match setup::lavapipe() {
        Some(driver) => command.env("VK_DRIVER_FILES", driver),
        None => command,
    }
}

/// An error if `name` is no step.
pub fn is_step(name: &str) -> Result<String> {
    ensure!(names().any(|known| known == name), "the steps are {}", names().collect::<Vec<_>>().join(", "));
    Ok(name.to_owned())
}
