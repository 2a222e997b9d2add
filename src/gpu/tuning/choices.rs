//! What was chosen, and the text in which it is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::gpu::attention::{Sequences, WALKS, Walk};
use crate::gpu::linear::{TILES, Tile};
use crate::gpu::weight::{Format, Product};
use crate::hex::hex;

/// What was chosen, by product and by attention. Written as JSON where choices are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// [`build`] of the kernels that were measured.
    build: String,
    /// [`Context::adapter`](crate::gpu::Context::adapter) that they were measured on.
    adapter: String,
    /// Names of tiles.
    products: BTreeMap<String, String>,
    /// Names of walks.
    attention: BTreeMap<String, String>,
}

impl Choices {
    /// Kept choices; none where they are of other kernels or another adapter, or cannot be read.
    #[must_use]
    pub fn parse(json: &str, adapter: &str) -> Self {
        let kept: Option<Self> = serde_json::from_str(json).ok();
        kept.filter(|kept| kept.build == build() && kept.adapter == adapter).unwrap_or_default()
    }

    /// The text that [`Choices::parse`] takes; `None` where nothing was chosen.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        if self.products.is_empty() { None } else { serde_json::to_string(self).ok() }
    }

    /// These choices, as of the kernels of this build on `adapter`.
    #[must_use]
    pub fn on(self, adapter: &str) -> Self {
        Self { build: build(), adapter: adapter.to_owned(), ..self }
    }

    /// The tile that was chosen for this product.
    #[must_use]
    pub fn chosen_tile(&self, product: Product) -> Option<Tile> {
        self.products.get(&product.name()).and_then(|name| Tile::named(name))
    }

    /// The walk that was chosen for these heads.
    #[must_use]
    pub fn chosen_walk(&self, heads: Sequences) -> Option<Walk> {
        self.attention.get(&heads.name()).and_then(|name| Walk::named(name))
    }

    /// Chooses a tile.
    pub fn choose_tile(&mut self, product: Product, tile: Tile) {
        self.products.insert(product.name(), tile.name());
    }

    /// Chooses a walk.
    pub fn choose_walk(&mut self, heads: Sequences, walk: Walk) {
        self.attention.insert(heads.name(), walk.name());
    }

    /// The chosen tile, or that of another product, of weights of the same format where there is one.
    #[must_use]
    pub fn known_tile(&self, product: Product) -> Option<Tile> {
        let alike = |name: &String| name.ends_with(product.format.name());
        let another = self.products.iter().find(|(name, _)| alike(name)).or_else(|| self.products.iter().next());
        self.chosen_tile(product).or_else(|| another.and_then(|(_, name)| Tile::named(name)))
    }

    /// A walk that was chosen for any heads.
    #[must_use]
    pub fn known_walk(&self) -> Option<Walk> {
        self.attention.values().next().and_then(|name| Walk::named(name))
    }

    /// [`Choices::known_tile`] (that of another product is right too), else the safest.
    #[must_use]
    pub fn tile(&self, product: Product) -> Tile {
        self.known_tile(product).unwrap_or(TILES[0])
    }

    /// The chosen walk; the safest where none was chosen.
    #[must_use]
    pub fn walk(&self, heads: Sequences) -> Walk {
        self.chosen_walk(heads).unwrap_or(WALKS[0])
    }
}

/// Names these kernels, so that another build's choices are not taken for this one's.
fn build() -> String {
    let mut hash = Sha256::new();
    for file in [
        include_str!("../wgsl/linear.wgsl"),
        include_str!("../wgsl/linear_tiled.wgsl"),
        include_str!("../wgsl/attention.wgsl"),
        include_str!("../wgsl/attention_tiled.wgsl"),
    ]
    .into_iter()
    .chain([Format::F32, Format::F16, Format::Int8].map(Format::reader))
    {
        hash.update(file);
    }
    let tiles = TILES.iter().map(Tile::name).chain(WALKS.iter().map(Walk::name));
    tiles.for_each(|name| hash.update(name));
    hex(&hash.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_of_another_build_or_adapter_are_not_taken() {
        let product = Product { shape: [8, 4], format: Format::Int8 };
        let kept = |build: String| {
            let products = [(product.name(), TILES[2].name())].into();
            Choices { build, adapter: "a".to_owned(), products, attention: BTreeMap::new() }.to_json().unwrap()
        };
        assert_eq!(Choices::parse(&kept(build()), "a").tile(product), TILES[2]);
        assert_eq!(Choices::parse(&kept(build()), "b").tile(product), TILES[0]);
        assert_eq!(Choices::parse(&kept("another".to_owned()), "a").tile(product), TILES[0]);
        assert_eq!(Choices::parse("no JSON", "a").tile(product), TILES[0]);
        assert_eq!(Choices::default().to_json(), None);
    }
}
