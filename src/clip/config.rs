//! The shape of a CLIP model, and from it the name and shape of every tensor it needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Both towers; the text tower is absent from a pack that only sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipConfig {
    /// The image tower.
    pub vision: VisionConfig,
}

/// The image tower: a pre-norm vision transformer with a class token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VisionConfig {
    /// Side of the square input, in pixels.
    pub image_size: usize,
    /// Side of a patch, in pixels.
    pub patch_size: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Number of transformer blocks.
    pub layers: usize,
    /// Attention heads a block.
    pub heads: usize,
    /// Width of the hidden layer of each MLP.
    pub mlp: usize,
    /// Width of the projected embedding.
    pub projection: usize,
}

/// How a tensor is used, and so how it is laid out on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A bias, a norm's scale or the class token: `[n]`, kept.
    Vector,
    /// An embedding table: `[rows, width]`, kept.
    Table,
    /// A linear layer's weight: `[out, in]` in the file, `[in, out]` on the device.
    Linear,
    /// The patch convolution: `[width, 3, patch, patch]` in the file, `[3·patch·patch, width]` on the
    /// device, because stride equals kernel and the convolution is one product.
    Patch,
}

/// What a weight file must hold under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Shape in the file.
    pub shape: Vec<usize>,
    /// Use in the tower.
    pub role: Role,
}

impl VisionConfig {
    /// Tokens: the class token and one for each patch.
    #[must_use]
    pub fn tokens(&self) -> usize {
        1 + (self.image_size / self.patch_size).pow(2)
    }

    /// Refuses shapes that no vision transformer has, before anything is allocated for them.
    ///
    /// # Errors
    /// [`Error::PackManifest`].
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::PackManifest { message: message.to_owned() });
        let sizes = [self.image_size, self.patch_size, self.width, self.layers, self.heads, self.mlp, self.projection];
        if sizes.iter().any(|&size| size == 0 || size > 16_384) {
            return refuse("a size of the image tower is zero or absurdly large");
        }
        if !self.image_size.is_multiple_of(self.patch_size) {
            return refuse("the picture's side is not a multiple of the patch's");
        }
        if !self.width.is_multiple_of(self.heads) {
            return refuse("the width is not a multiple of the number of heads");
        }
        if self.tokens() > 4_096 || self.layers > 128 {
            return refuse("the image tower has more tokens or blocks than can be computed here");
        }
        Ok(())
    }

    /// Every tensor the tower needs, under Hugging Face's names (`CLIPVisionModelWithProjection`).
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, TensorSpec> {
        let (width, patch) = (self.width, self.patch_size);
        let mut specs = BTreeMap::new();
        let mut add = |name: String, shape: &[usize], role| {
            specs.insert(name, TensorSpec { shape: shape.to_vec(), role });
        };
        let embeddings = "vision_model.embeddings";
        add(format!("{embeddings}.class_embedding"), &[width], Role::Vector);
        add(format!("{embeddings}.patch_embedding.weight"), &[width, 3, patch, patch], Role::Patch);
        add(format!("{embeddings}.position_embedding.weight"), &[self.tokens(), width], Role::Table);
        // Hugging Face really spells it so.
        let mut norms = vec!["vision_model.pre_layrnorm".to_owned(), "vision_model.post_layernorm".to_owned()];
        for index in 0..self.layers {
            let block = format!("vision_model.encoder.layers.{index}");
            norms.extend([format!("{block}.layer_norm1"), format!("{block}.layer_norm2")]);
            let linears = [
                ("self_attn.q_proj", width, width),
                ("self_attn.k_proj", width, width),
                ("self_attn.v_proj", width, width),
                ("self_attn.out_proj", width, width),
                ("mlp.fc1", self.mlp, width),
                ("mlp.fc2", width, self.mlp),
            ];
            for (layer, output, input) in linears {
                add(format!("{block}.{layer}.weight"), &[output, input], Role::Linear);
                add(format!("{block}.{layer}.bias"), &[output], Role::Vector);
            }
        }
        for norm in norms {
            add(format!("{norm}.weight"), &[width], Role::Vector);
            add(format!("{norm}.bias"), &[width], Role::Vector);
        }
        add("visual_projection.weight".to_owned(), &[self.projection, width], Role::Linear);
        specs
    }
}
