//! `cargo xtask bench`: this project beside onnxruntime-web, in one run, on the same weights.
//!
//!     wheel ─ tests/float_graph.py ─ float32 ONNX ─┐
//!                              dist/ (the site) ───┴─ tests/bench/run.mjs ─ table or JSON

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{command, find, run};
use crate::models::sha256;
use crate::setup::{self, Purpose};
use crate::{models, site};

/// Makes the float32 model of the wheel at `WHEEL`.
const SCRIPT: &str = "tests/float_graph.py";

/// What that script imports; `tests/requirements.txt` pins the versions.
const PYTHON_PACKAGES: &[&str] = &["numpy", "onnx"];

/// What `tests/bench/run.mjs` knows to measure: a device and a number of pictures.
const CASES: [&str; 4] = ["webgpu-1", "webgpu-8", "cpu-1", "cpu-8"];

/// What to measure, and how to say it.
#[derive(clap::Args)]
pub struct Options {
    /// One JSON object on the standard output instead of a table
    #[arg(long)]
    json: bool,
    /// Only this device and number of pictures; may be given several times
    #[arg(long, value_name = "CASE", value_parser = CASES)]
    only: Vec<String>,
    /// How often each case is measured after its first run, instead of its own number
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
}

/// Builds what is missing, measures, prints.
pub fn bench(root: &Path, options: &Options) -> Result<()> {
    setup::setup(root, Purpose::Tests)?;
    models::make(root, None)?;
    let model = float_model(root)?;
    site::build(root)?;
    let mut measure = command(root, "node", ["tests/bench/run.mjs", "--onnx"]);
    measure.arg(model).args(options.json.then_some("--json"));
    measure.args(options.only.iter().flat_map(|case| ["--only", case]));
    measure.args(options.rounds.iter().flat_map(|rounds| ["--rounds".to_owned(), rounds.to_string()]));
    let status = measure.status().context("node cannot be started")?;
    ensure!(status.success(), "the measuring ended with {status}; its message is above");
    Ok(())
}

/// The default pack's weights as the float32 ONNX file that onnxruntime-web runs; kept until wheel or script change.
fn float_model(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let wheel = models::default_wheel(root)?;
    let made_from = [sha256(&wheel)?, sha256(&root.join(SCRIPT))?].map(|hash| hash[..12].to_owned()).join("-");
    let model = folder.join(format!("{made_from}.onnx"));
    if model.exists() {
        return Ok(model);
    }
    let python = ["python3", "python"].into_iter().find(|python| find(python).is_some());
    let python = python.context("Python 3 is not installed; the bench needs it to write onnxruntime-web's model")?;
    let packages = python_packages(root, python, &folder)?;
    eprintln!("writing {}", model.display());
    let mut script = command(root, python, [Path::new(SCRIPT), &wheel, &model]);
    run(script.env("PYTHONPATH", packages)).context("onnxruntime-web's model was not made")?;
    Ok(model)
}

/// A folder with the packages of [`PYTHON_PACKAGES`], at the versions that the tests' references were made with.
fn python_packages(root: &Path, python: &str, folder: &Path) -> Result<PathBuf> {
    let packages = folder.join("python");
    let import = PYTHON_PACKAGES.join(", ");
    let mut check = Command::new(python);
    check.args(["-c", &format!("import {import}")]).env("PYTHONPATH", &packages);
    if check.output().is_ok_and(|output| output.status.success()) {
        return Ok(packages);
    }
    let mut install = command(root, python, ["-m", "pip", "install", "--quiet", "--upgrade"]);
    install.args(["--constraint", "tests/requirements.txt", "--target"]).arg(&packages).args(PYTHON_PACKAGES);
    run(&mut install).with_context(|| format!("pip could not install {import}"))?;
    Ok(packages)
}
