//! The site in `dist/`, as trunk builds it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::command::{command, run};

/// What everybody downloads before the first check, beside the model.
const MODULE: [&str; 2] = ["safelight.js", "safelight_bg.wasm"];

/// Bytes that it may have, gzipped: those who wait for it on a telephone pay for each.
const MOST_BYTES: usize = 1_500_000;

/// Builds the site in release and returns its folder.
pub fn build(root: &Path) -> Result<PathBuf> {
    // Trunk reads NO_COLOR as a flag with a value and refuses "1".
    run(command(root, "trunk", ["build", "--config", "trunk.toml", "--release"]).env_remove("NO_COLOR"))?;
    Ok(root.join("dist"))
}

/// Refuses a site whose module that checks has grown too large.
pub fn require_small(dist: &Path) -> Result<()> {
    let mut bytes = 0;
    for name in MODULE {
        let path = dist.join(name);
        bytes += gzipped(&fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?)?;
    }
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    ensure!(
        bytes <= MOST_BYTES,
        "what everybody downloads before the first check ({}) has grown to {:.2} MB gzipped; it may have {:.2} MB. \
         What few need belongs in a module of its own, as training and the tokenizer are",
        MODULE.join(" and "),
        megabytes(bytes),
        megabytes(MOST_BYTES),
    );
    eprintln!("{}: {:.2} MB gzipped", MODULE.join(" and "), megabytes(bytes));
    Ok(())
}

/// Bytes after compression, as a server compresses.
fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_has_grown_too_large_is_refused_with_its_size() {
        let dist = tempfile::tempdir().unwrap();
        assert!(require_small(dist.path()).unwrap_err().to_string().contains("safelight.js cannot be read"));
        fs::write(dist.path().join(MODULE[0]), "export {};").unwrap();
        let mut state = 1_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        // Noise does not get shorter, zeros do.
        let noise: Vec<u8> = (0..MOST_BYTES).map(|_| noise()).collect();
        fs::write(dist.path().join(MODULE[1]), vec![0; 2 * MOST_BYTES]).unwrap();
        require_small(dist.path()).unwrap();
        fs::write(dist.path().join(MODULE[1]), noise).unwrap();
        assert!(require_small(dist.path()).unwrap_err().to_string().contains("has grown to 1.50 MB gzipped"));
    }
}
