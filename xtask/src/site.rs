//! The site in `dist/`, as trunk builds it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::command::{command, run};

/// Builds the site in release and returns its folder.
pub fn build(root: &Path) -> Result<PathBuf> {
    // Trunk reads NO_COLOR as a flag with a value and refuses "1".
    run(command(root, "trunk", ["build", "--config", "trunk.toml", "--release"]).env_remove("NO_COLOR"))?;
    Ok(root.join("dist"))
}
