//! `cargo xtask bench`: this project beside onnxruntime-web and onnxruntime, in one run, on the same weights.
//!
//!     wheel ─ tests/float_graph.py ─ float32 ONNX ─┬─ tests/bench/run.mjs (with dist/, the site) ─ table or JSON
//!     large: random weights ─ a pack, and ONNX ────┴─ native (with the terminal's program) ─ rows
//!                                                     kernels (alone, on a GPU) ─ rows

mod large;
mod native;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{command, find, run};
use crate::models::sha256;
use crate::setup::{self, Purpose};
use crate::{models, site};
use large::LargeModel;

/// Makes the float32 model of the wheel at `WHEEL`.
const SCRIPT: &str = "tests/float_graph.py";

/// What that script imports, and what runs its model natively; `tests/requirements.txt` pins the versions.
const PYTHON_PACKAGES: &[&str] = &["numpy", "onnx", "onnxruntime", "safetensors"];

/// What can be measured: what `tests/bench/run.mjs` knows, a device and a number of pictures; the terminal's program beside
/// onnxruntime; and each kernel beside what the GPU can do. `l14`: the large model instead of the default one.
const CASES: [&str; 17] = [
    "webgpu-1",
    "webgpu-8",
    "chromium-webgpu-1",
    "cpu-1",
    "cpu-8",
    "cpu-1-threads-2",
    "cpu-8-threads-2",
    "l14-webgpu-1",
    "l14-webgpu-8",
    "l14-cpu-1",
    "l14-cpu-1-threads-2",
    "l14-cpu-8-threads-2",
    "native-1",
    "native-8",
    "native-l14-1",
    "native-l14-8",
    "kernels",
];

/// How the cases of the large model begin, in browsers and after `native-`.
const LARGE: &str = "l14-";

/// What to measure, and how to say it.
#[derive(clap::Args)]
pub struct Options {
    /// JSON on the standard output instead of tables: one object of the browsers, one for each native row
    #[arg(long)]
    json: bool,
    /// Only this model, device and number of pictures; may be given several times
    #[arg(long, value_name = "CASE", value_parser = CASES)]
    only: Vec<String>,
    /// How often each case is measured after its first run, instead of its own number
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// On this machine's GPU instead of software that plays one; natively beside the processor
    #[arg(long)]
    gpu: bool,
}

/// Builds what is missing, measures, prints.
pub fn bench(root: &Path, options: &Options) -> Result<()> {
    let wanted = |case: &&str| options.only.is_empty() || options.only.iter().any(|only| only == case);
    let cases: Vec<&str> = CASES.into_iter().filter(wanted).collect();
    let (native, pages): (Vec<&str>, Vec<&str>) = cases.iter().partition(|case| native::is_native(case));
    setup::setup(root, Purpose::Tests)?;
    models::make(root, None)?;
    if !pages.is_empty() {
        in_browsers(root, options, &pages)?;
    }
    for case in native {
        let Some(case) = native::Case::parse(case) else {
            native::kernels(root, options.json, options.gpu)?;
            continue;
        };
        let (python, packages) = python(root)?;
        let (model, pack) = if case.large {
            let large = LargeModel::make(root, python, &packages)?;
            (large.onnx(), Some(large.folder))
        } else {
            (float_model(root)?, None)
        };
        let onnx = native::Onnxruntime { python, packages, model };
        let Options { rounds, json, gpu, .. } = *options;
        native::compare(root, &onnx, pack.as_deref(), &native::How { pictures: case.pictures, rounds, json, gpu })?;
    }
    Ok(())
}

fn in_browsers(root: &Path, options: &Options, cases: &[&str]) -> Result<()> {
    let mut measure = command(root, "node", ["tests/bench/run.mjs"]);
    let (large, default): (Vec<&str>, Vec<&str>) = cases.iter().partition(|case| case.starts_with(LARGE));
    if !default.is_empty() {
        measure.arg("--onnx").arg(float_model(root)?);
    }
    if !large.is_empty() {
        let (python, packages) = python(root)?;
        measure.arg("--l14").arg(LargeModel::make(root, python, &packages)?.folder);
    }
    site::build(root)?;
    measure.args(options.json.then_some("--json"));
    measure.args(options.gpu.then_some("--gpu"));
    measure.args(cases.iter().flat_map(|case| ["--only", case]));
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
    let (python, packages) = python(root)?;
    eprintln!("writing {}", model.display());
    let mut script = command(root, python, [Path::new(SCRIPT), &wheel, &model]);
    run(script.env("PYTHONPATH", packages)).context("onnxruntime-web's model was not made")?;
    Ok(model)
}

/// Python, and a folder with [`PYTHON_PACKAGES`] at the versions that the tests' references were made with.
fn python(root: &Path) -> Result<(&'static str, PathBuf)> {
    let python = ["python3", "python"].into_iter().find(|python| find(python).is_some());
    let python = python.context("Python 3 is not installed; the bench needs it for onnxruntime and its model")?;
    let packages = root.join("target/bench/python");
    let import = PYTHON_PACKAGES.join(", ");
    let mut check = Command::new(python);
    check.args(["-c", &format!("import {import}")]).env("PYTHONPATH", &packages);
    if check.output().is_ok_and(|output| output.status.success()) {
        return Ok((python, packages));
    }
    let mut install = command(root, python, ["-m", "pip", "install", "--quiet", "--upgrade"]);
    install.args(["--constraint", "tests/requirements.txt", "--target"]).arg(&packages).args(PYTHON_PACKAGES);
    run(&mut install).with_context(|| format!("pip could not install {import}"))?;
    Ok((python, packages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_of_pages_are_those_that_the_script_knows() {
        let script = include_str!("../../../tests/bench/run.mjs");
        let known: Vec<&str> =
            script.split("{ name: \"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
        let pages: Vec<&str> = CASES.into_iter().filter(|case| !native::is_native(case)).collect();
        let sorted = |mut cases: Vec<&'static str>| {
            cases.sort_unstable();
            cases
        };
        assert_eq!(sorted(known), sorted(pages));
    }

    #[test]
    fn a_native_case_is_a_model_and_a_number_of_pictures() {
        let parse = |case| native::Case::parse(case).map(|case| (case.large, case.pictures));
        assert_eq!(parse("native-8"), Some((false, 8)));
        assert_eq!(parse("native-l14-1"), Some((true, 1)));
        let others = CASES.into_iter().filter(|case| native::is_native(case) && parse(case).is_none());
        assert_eq!(others.collect::<Vec<_>>(), ["kernels"]);
    }
}
