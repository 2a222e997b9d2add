//! ViT-L/14's shapes with random weights: the real weights, 1.7 GB, are not the bench's to fetch, and time does not depend
//! on values.
//!
//!     tests/bench/random_pack.py ─ pack.json, model.safetensors (float16) ─ tests/bench/graph.py ─ model.onnx, model.onnx.data

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{command, run};
use crate::models::sha256;

/// Makes the pack.
const PACK: &str = "tests/bench/random_pack.py";
/// Writes a pack's tower for onnxruntime.
const GRAPH: &str = "tests/bench/graph.py";
/// Says which scripts a folder was made by.
const STAMP: &str = "made-by";

/// A folder with a pack, and the same weights as [`LargeModel::onnx`].
pub struct LargeModel {
    pub folder: PathBuf,
}

impl LargeModel {
    /// Makes it under `target/bench`, once: 1.8 GB, kept until a script changes.
    pub fn make(root: &Path, python: &str, packages: &Path) -> Result<Self> {
        let folder = root.join("target/bench/l14");
        let stamp = [sha256(&root.join(PACK))?, sha256(&root.join(GRAPH))?].join("\n");
        make_once(&folder, &stamp, |growing| {
            eprintln!("writing {}", folder.display());
            let onnx = growing.join("model.onnx");
            for (script, arguments) in [(PACK, &[growing][..]), (GRAPH, &[growing, &onnx])] {
                let mut make = command(root, python, [Path::new(script)]);
                run(make.args(arguments).env("PYTHONPATH", packages))
                    .with_context(|| format!("the large model was not made ({script} failed)"))?;
            }
            Ok(())
        })?;
        Ok(Self { folder })
    }

    /// Its weights are in the file beside it.
    pub fn onnx(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }
}

/// Lets `make` fill a folder that then becomes `folder`, unless that is there and bears `stamp`; an older one is removed first,
/// because two would be much. What `make` leaves half done is not found by the next run.
fn make_once(folder: &Path, stamp: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    let growing = folder.with_extension("part");
    for old in [folder, &growing] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("{} cannot be removed", old.display()))?;
        }
    }
    fs::create_dir_all(&growing).with_context(|| format!("{} cannot be made", growing.display()))?;
    make(&growing)?;
    fs::write(growing.join(STAMP), stamp).with_context(|| format!("{} cannot be written", growing.display()))?;
    fs::rename(&growing, folder).with_context(|| format!("{} cannot be made", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_made_once_and_again_when_its_scripts_have_changed() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("model");
        let mut made = 0;
        for stamp in ["first", "first", "second"] {
            make_once(&folder, stamp, |growing| {
                made += 1;
                Ok(fs::write(growing.join(stamp), "")?)
            })
            .unwrap();
            assert!(folder.join(stamp).exists());
        }
        assert_eq!(made, 2);
        assert!(!folder.join("first").exists(), "the older model is gone");
    }

    #[test]
    fn a_model_that_was_half_made_is_made_anew() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("model");
        let broken = make_once(&folder, "stamp", |growing| {
            fs::write(growing.join("half"), "")?;
            anyhow::bail!("the disk is full")
        });
        assert!(broken.is_err() && !folder.exists());
        make_once(&folder, "stamp", |_| Ok(())).unwrap();
        assert!(folder.exists() && !folder.join("half").exists());
    }
}
