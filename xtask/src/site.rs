//! The site in `dist/`: what trunk builds, and the models beside it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{command, run};

/// Builds the site in release and returns its folder.
pub fn build(root: &Path) -> Result<PathBuf> {
    // Trunk reads any NO_COLOR as a flag with a value and refuses "1".
    run(command(
        root,
        "trunk",
        ["build", "--config", "trunk.toml", "--release"],
    )
    .env_remove("NO_COLOR"))?;
    let dist = root.join("dist");
    mirror(&root.join("models"), &dist.join("models"))
        .context("The models cannot be copied into the site (is the disk full?)")?;
    Ok(dist)
}

/// Makes `to` hold the files of `from`, and nothing else.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        // A pack that is still being written is hidden.
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if source.is_dir() {
            mirror(&source, &target)?;
        } else if fs::hard_link(&source, &target).is_err() {
            // Another disk: a real copy.
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
