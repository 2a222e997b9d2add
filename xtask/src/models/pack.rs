//! A model pack's folder: `pack.json` beside `model.safetensors`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use safetensors::{Dtype, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalog::{self, Clip, Source};
use super::clip::Tensors;
use super::onnx::Data;

const MANIFEST: &str = "pack.json";
const WEIGHTS: &str = "model.safetensors";

/// `pack.json`, format 1.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    id: String,
    name: String,
    licence: String,
    source: String,
    clip: Clip,
    files: Vec<ManifestFile>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ManifestFile {
    name: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// What `pack` should say of itself, before its files are known.
    pub fn new(pack: &catalog::Pack) -> Self {
        let Source::PypiWheel(wheel) = &pack.source;
        Self {
            format: 1,
            id: pack.id.clone(),
            name: pack.name.clone(),
            licence: pack.licence.clone(),
            source: format!(
                "{}; taken from {} in the wheel {} {}, SHA-256 {}.",
                pack.origin, wheel.member, wheel.package, wheel.version, wheel.sha256
            ),
            clip: pack.clip.clone(),
            files: Vec::new(),
        }
    }

    /// Whether `folder` holds a whole pack made from this source: same words, and files of the recorded length and hash.
    pub fn is_met_by(&self, folder: &Path) -> bool {
        let Ok(text) = fs::read_to_string(folder.join(MANIFEST)) else {
            return false;
        };
        let Ok(mut found) = serde_json::from_str::<Self>(&text) else {
            return false;
        };
        let files = std::mem::take(&mut found.files);
        found == *self
            && files.iter().map(|file| file.name.as_str()).eq([WEIGHTS])
            && files.iter().all(|file| {
                let path = folder.join(&file.name);
                fs::metadata(&path).is_ok_and(|found| found.len() == file.bytes)
                    && sha256(&path).is_ok_and(|found| found == file.sha256)
            })
    }

    /// Writes the pack to `folder`, whole or not at all.
    ///
    /// It grows in a temporary folder beside and takes its place, and that of an older pack, when it is on the disk.
    pub fn write(mut self, tensors: &Tensors, folder: &Path) -> Result<()> {
        let parent = folder.parent().context("a pack needs a parent folder")?;
        fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        let growing = tempfile::Builder::new().prefix(".pack-").tempdir_in(parent)?;

        let weights = serialise(tensors)?;
        self.files = vec![ManifestFile {
            name: WEIGHTS.into(),
            bytes: weights.len() as u64,
            sha256: hex(&Sha256::digest(&weights)),
        }];
        let mut manifest = serde_json::to_vec_pretty(&self)?;
        manifest.push(b'\n');
        for (name, bytes) in [(WEIGHTS, &weights), (MANIFEST, &manifest)] {
            write_through(&growing.path().join(name), bytes)
                .with_context(|| format!("{name} of the pack cannot be written (is the disk full?)"))?;
        }
        // A temporary folder is private; a pack is to be served.
        #[cfg(unix)]
        fs::set_permissions(growing.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::rename(growing.path(), folder)
            .with_context(|| format!("the pack cannot be moved to {}", folder.display()))?;
        let _renamed_away = growing.keep();
        Ok(())
    }
}

/// The safetensors file: wider types first, so every scale (F32) comes before its weight (I8).
fn serialise(tensors: &Tensors) -> Result<Vec<u8>> {
    let bytes: Vec<(Dtype, Vec<u8>)> = (tensors.values())
        .map(|tensor| match &tensor.data {
            Data::F32(values) => (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Data::I8(values) => (Dtype::I8, values.iter().map(|value| value.cast_unsigned()).collect()),
        })
        .collect();
    let views = (tensors.iter().zip(&bytes))
        .map(|((name, tensor), (dtype, bytes))| Ok((name, TensorView::new(*dtype, tensor.shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(safetensors::serialize(views, None)?)
}

/// Writes a file and waits until it is on the disk.
pub fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&block[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
