//! The shape of a CLIP model, and from it the name and shape of every tensor it needs, under Hugging
//! Face's names (`CLIPModel`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Both towers; the text tower is absent from a pack that only sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipConfig {
    /// The image tower.
    pub vision: VisionConfig,
    /// The text tower, where the pack has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextConfig>,
}

impl ClipConfig {
    /// Refuses shapes that cannot be computed, before anything is allocated for them.
    ///
    /// # Errors
    /// [`Error::PackManifest`].
    pub fn validate(&self) -> Result<()> {
        self.vision.validate()?;
        match &self.text {
            Some(text) if text.projection != self.vision.projection => {
                Err(refuse("the two towers project to different widths"))
            }
            Some(text) => text.validate(),
            None => Ok(()),
        }
    }

    /// Every tensor that the towers need.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, TensorSpec> {
        let text = self.text.as_ref().map(TextConfig::tensors).unwrap_or_default();
        self.vision.tensors().into_iter().chain(text).collect()
    }
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

/// The text tower: a pre-norm transformer with a causal mask, QuickGELU as in the image tower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextConfig {
    /// Number of tokens that there are: 49,408.
    pub vocabulary: usize,
    /// Most tokens of a caption, with its start and its end: 77.
    pub context: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Number of transformer blocks.
    pub layers: usize,
    /// Attention heads a block.
    pub heads: usize,
    /// Width of the hidden layer of each MLP.
    pub mlp: usize,
    /// Width of the projected embedding, that of the image tower.
    pub projection: usize,
    /// The id of the end-of-text token, at which a caption's feature is taken. Absent: it is the highest of all, as in
    /// OpenAI's models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u32>,
}

/// The shape of a tower's blocks, which is all that the device needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockShape {
    /// Tokens of a sequence, at most.
    pub tokens: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the hidden layer of the MLP.
    pub mlp: usize,
    /// A token sees itself and those before it, instead of all.
    pub causal: bool,
}

/// How a tensor is used, and so how it is laid out on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A bias, a norm's scale or the class token: `[n]`, kept.
    Vector,
    /// An embedding table: `[rows, width]`, kept.
    Table,
    /// The token table: `[vocabulary, width]`, kept on the CPU in the file's number type. ViT-L/14's, 152 MB
    /// in f32, exceeds the 128 MiB that WebGPU binds by default, and a caption needs a few rows of it.
    Rows,
    /// A linear layer's weight, `[out, in]`.
    Linear,
    /// The patch convolution, `[width, 3, patch, patch]`: stride equals kernel, so it is the weight of one product,
    /// `[width, 3·patch·patch]`.
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

    /// The shape of its blocks.
    #[must_use]
    pub fn block(&self) -> BlockShape {
        let Self { width, heads, mlp, .. } = *self;
        BlockShape { tokens: self.tokens(), width, heads, mlp, causal: false }
    }

    /// Refuses shapes that no vision transformer has, before anything is allocated for them.
    ///
    /// # Errors
    /// [`Error::PackManifest`].
    pub fn validate(&self) -> Result<()> {
        let sizes = [self.image_size, self.patch_size, self.width, self.layers, self.heads, self.mlp, self.projection];
        if sizes.iter().any(|&size| size == 0 || size > 16_384) {
            return Err(refuse("a size of the image tower is zero or absurdly large"));
        }
        if !self.image_size.is_multiple_of(self.patch_size) {
            return Err(refuse("the picture's side is not a multiple of the patch's"));
        }
        // Kernels read four values at a time; with an odd side, a patch of three channels is no multiple of four.
        if !self.patch_size.is_multiple_of(2) {
            return Err(refuse("the patch's side is odd, which the kernels cannot read"));
        }
        if !self.width.is_multiple_of(self.heads) {
            return Err(refuse("the image tower's width is not a multiple of its number of heads"));
        }
        if self.tokens() > 4_096 || self.layers > 128 {
            return Err(refuse("the image tower has more tokens or blocks than can be computed here"));
        }
        Ok(())
    }

    /// Every tensor the tower needs.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, TensorSpec> {
        let (width, patch) = (self.width, self.patch_size);
        let mut specs = Specs::default();
        let embeddings = "vision_model.embeddings";
        specs.add(format!("{embeddings}.class_embedding"), &[width], Role::Vector);
        specs.add(format!("{embeddings}.patch_embedding.weight"), &[width, 3, patch, patch], Role::Patch);
        specs.add(format!("{embeddings}.position_embedding.weight"), &[self.tokens(), width], Role::Table);
        specs.norm("vision_model.pre_layrnorm", width); // Hugging Face really spells it so.
        specs.blocks("vision_model.encoder.layers", self.layers, width, self.mlp);
        specs.norm("vision_model.post_layernorm", width);
        specs.add("visual_projection.weight".to_owned(), &[self.projection, width], Role::Linear);
        specs.0
    }
}

impl TextConfig {
    /// The shape of its blocks.
    #[must_use]
    pub fn block(&self) -> BlockShape {
        let Self { context, width, heads, mlp, .. } = *self;
        BlockShape { tokens: context, width, heads, mlp, causal: true }
    }

    /// Refuses shapes that no text tower has, before anything is allocated for them.
    ///
    /// # Errors
    /// [`Error::PackManifest`].
    pub fn validate(&self) -> Result<()> {
        let sizes = [self.context, self.width, self.heads, self.mlp, self.projection];
        if sizes.iter().any(|&size| size == 0 || size > 16_384) || self.vocabulary == 0 || self.vocabulary > 1 << 20 {
            return Err(refuse("a size of the text tower is zero or absurdly large"));
        }
        if !self.width.is_multiple_of(self.heads) {
            return Err(refuse("the text tower's width is not a multiple of its number of heads"));
        }
        if self.end.is_some_and(|end| end as usize >= self.vocabulary) {
            return Err(refuse("the text tower's end-of-text token is none of its vocabulary"));
        }
        if self.context > 4_096 || self.layers == 0 || self.layers > 128 {
            return Err(refuse("the text tower has more tokens or blocks than can be computed here"));
        }
        Ok(())
    }

    /// Every tensor the tower needs.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, TensorSpec> {
        let width = self.width;
        let mut specs = Specs::default();
        let embeddings = "text_model.embeddings";
        specs.add(format!("{embeddings}.token_embedding.weight"), &[self.vocabulary, width], Role::Rows);
        specs.add(format!("{embeddings}.position_embedding.weight"), &[self.context, width], Role::Table);
        specs.blocks("text_model.encoder.layers", self.layers, width, self.mlp);
        specs.norm("text_model.final_layer_norm", width);
        specs.add("text_projection.weight".to_owned(), &[self.projection, width], Role::Linear);
        specs.0
    }
}

/// Tensors by name, while they are listed.
#[derive(Default)]
struct Specs(BTreeMap<String, TensorSpec>);

impl Specs {
    fn add(&mut self, name: String, shape: &[usize], role: Role) {
        self.0.insert(name, TensorSpec { shape: shape.to_vec(), role });
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(format!("{name}.weight"), &[width], Role::Vector);
        self.add(format!("{name}.bias"), &[width], Role::Vector);
    }

    /// The transformer blocks, which both towers have.
    fn blocks(&mut self, prefix: &str, layers: usize, width: usize, mlp: usize) {
        let linears = [
            ("self_attn.q_proj", width, width),
            ("self_attn.k_proj", width, width),
            ("self_attn.v_proj", width, width),
            ("self_attn.out_proj", width, width),
            ("mlp.fc1", mlp, width),
            ("mlp.fc2", width, mlp),
        ];
        for index in 0..layers {
            let block = format!("{prefix}.{index}");
            self.norm(&format!("{block}.layer_norm1"), width);
            self.norm(&format!("{block}.layer_norm2"), width);
            for (layer, output, input) in linears {
                self.add(format!("{block}.{layer}.weight"), &[output, input], Role::Linear);
                self.add(format!("{block}.{layer}.bias"), &[output], Role::Vector);
            }
        }
    }
}

fn refuse(message: &str) -> Error {
    Error::PackManifest { message: message.to_owned() }
}
