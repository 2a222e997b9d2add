//! `cargo xtask setup`: what the build and the tests need, installed where it is missing.

mod debian;
mod tools;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::command::{command, output, run};

pub use debian::lavapipe;

const WASM: &str = "wasm32-unknown-unknown";

/// What the machine is set up for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Building and serving the site.
    Site,
    /// All tests, in two browsers.
    Tests,
}

/// Installs what `purpose` needs and is not there; takes a second when everything is.
pub fn setup(root: &Path, purpose: Purpose) -> Result<()> {
    rust(root, purpose)?;
    tools::ensure(root, purpose)?;
    npm(root)?;
    match purpose {
        Purpose::Site => Ok(()),
        Purpose::Tests => debian::ensure(root, debian::BROWSERS),
    }
}

fn rust(root: &Path, purpose: Purpose) -> Result<()> {
    let library = output("rustc", &["--print", "target-libdir", "--target", WASM]);
    if !library.is_some_and(|library| Path::new(&library).is_dir()) {
        run(&mut command(root, "rustup", ["target", "add", WASM])).with_context(|| {
            format!("Rust's {WASM} target is missing; install Rust with rustup, see https://rustup.rs")
        })?;
    }
    if purpose == Purpose::Tests {
        for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
            if output("cargo", &[subcommand, "--version"]).is_none() {
                run(&mut command(root, "rustup", ["component", "add", component]))?;
            }
        }
    }
    Ok(())
}

/// Installs the locked npm packages, unless npm's own record of an install is newer than the lock.
fn npm(root: &Path) -> Result<()> {
    let changed = |file: &str| fs::metadata(root.join(file)).and_then(|metadata| metadata.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some() && installed >= changed("package-lock.json") {
        return Ok(());
    }
    run(&mut command(root, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))
        .context("The page's npm packages are missing; Node 18 or newer with npm is needed")
}
