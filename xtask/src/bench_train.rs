//! `cargo xtask bench-training`: rows a second of the paper's head (1536 wide, SAM), natively, in the page
//! and in `PyTorch`, one after another in one run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::command::command;
use crate::setup::{self, Purpose};
use crate::site;

/// What to measure, and how to say it.
#[derive(clap::Args)]
pub struct Options {
    /// One JSON object on the standard output instead of a table
    #[arg(long)]
    json: bool,
    /// Rows a step; may be given several times
    #[arg(long, value_name = "N", default_values_t = [256, 2048])]
    batch: Vec<usize>,
    /// Length of a feature and width of the head
    #[arg(long, value_name = "N", default_value_t = 1536)]
    width: usize,
    /// Steps to measure, after one that is not
    #[arg(long, value_name = "N", default_value_t = 5)]
    steps: usize,
    /// Only this engine (native-cpu, native-gpu, page-cpu, page-webgpu, pytorch); may be given several times
    #[arg(long, value_name = "ENGINE")]
    only: Vec<String>,
    /// The Python that has PyTorch
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: String,
}

/// The program that measures an engine; sizes are added to it.
const ENGINES: &[(&str, &[&str])] = &[
    ("native-cpu", &["cargo", "run", "--release", "--quiet", "--", "bench-training", "--device", "cpu"]),
    ("native-gpu", &["cargo", "run", "--release", "--quiet", "--", "bench-training", "--device", "gpu"]),
    ("page-cpu", &["node", "tests/bench/train.mjs", "--browser", "chromium", "--device", "cpu"]),
    ("page-webgpu", &["node", "tests/bench/train.mjs", "--browser", "firefox", "--device", "gpu"]),
    ("pytorch", &["PYTHON", "tests/bench/train_torch.py"]),
];

/// What each program prints.
#[derive(Deserialize)]
struct Measured {
    r#where: String,
    ms: Vec<f64>,
}

/// One line of the table.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    engine: &'static str,
    r#where: String,
    batch: usize,
    step_ms: [f64; 3], // least, median, most
    rows_per_second: f64,
}

/// Builds what is missing, measures, prints. An engine that is not there is said to be missing.
pub fn bench(root: &Path, options: &Options) -> Result<()> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let unknown = options.only.iter().find(|only| ENGINES.iter().all(|(name, _)| name != only));
    ensure!(unknown.is_none(), "there is no engine {}", unknown.map_or("", String::as_str));
    if wanted("page-cpu") || wanted("page-webgpu") {
        setup::setup(root, Purpose::Tests)?;
        site::build(root)?;
    }
    let (mut lines, mut missing) = (Vec::new(), Vec::new());
    for &batch in &options.batch {
        for (engine, words) in ENGINES.iter().filter(|(name, _)| wanted(name)) {
            eprintln!("measuring {engine}, {batch} rows a step");
            match measure(root, words, batch, options) {
                Ok(measured) => lines.push(line(engine, batch, measured)),
                Err(error) => missing.push(format!("{engine}, {batch} rows: {error:#}")),
            }
        }
    }
    if options.json {
        println!("{}", serde_json::json!({ "width": options.width, "lines": lines, "missing": missing }));
    } else {
        println!("{:<12} {:>5} {:>10} {:>22}  where", "engine", "rows", "rows/s", "ms a step (least–most)");
        for Line { engine, r#where, batch, step_ms: [least, median, most], rows_per_second } in &lines {
            println!("{engine:<12} {batch:>5} {rows_per_second:>10.0} {median:>8.0} ({least:.0}–{most:.0})  {where}");
        }
        for missing in &missing {
            println!("not measured: {missing}");
        }
    }
    ensure!(!lines.is_empty(), "nothing was measured");
    Ok(())
}

fn measure(root: &Path, words: &[&str], batch: usize, options: &Options) -> Result<Measured> {
    let (program, arguments) = words.split_first().context("an engine without a program")?;
    let program = if *program == "PYTHON" { &options.python } else { *program };
    let mut run: Command = command(root, program, arguments);
    for (name, value) in
        [("batch", batch), ("width", options.width), ("dimension", options.width), ("steps", options.steps)]
    {
        run.arg(format!("--{name}")).arg(value.to_string());
    }
    let output = run.output().with_context(|| format!("{program} cannot be started"))?;
    let last = |text: &[u8]| String::from_utf8_lossy(text).lines().last().unwrap_or_default().to_owned();
    ensure!(output.status.success(), "{}", last(&output.stderr));
    serde_json::from_str(&last(&output.stdout)).context("its answer is no JSON")
}

fn line(engine: &'static str, batch: usize, Measured { r#where, mut ms }: Measured) -> Line {
    ms.sort_by(f64::total_cmp);
    let at = |place: usize| ms.get(place).copied().unwrap_or(f64::NAN);
    let step_ms = [at(0), at(ms.len() / 2), at(ms.len().saturating_sub(1))];
    Line { engine, r#where, batch, step_ms, rows_per_second: batch as f64 / step_ms[1] * 1e3 }
}
