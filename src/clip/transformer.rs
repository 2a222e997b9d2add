//! The transformer that both towers are made of (openai/CLIP, `clip/model.py`, `ResidualAttentionBlock`):
//! pre-norm blocks of attention and an MLP with QuickGELU.

use burn::tensor::Tensor;

use super::ops::{self, LayerNorm, Linear};
use super::weights::Weights;
use crate::Result;

/// A tower's blocks with their weights on a device.
#[derive(Debug)]
pub struct Transformer {
    blocks: Vec<Block>,
    heads: usize,
    causal: bool,
}

/// One pre-norm block.
#[derive(Debug)]
struct Block {
    norm1: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl Transformer {
    /// Takes the tensors `{prefix}.{index}.…` of `layers` blocks out of `weights`. Every token sees all
    /// others.
    ///
    /// # Errors
    /// [`crate::Error::TensorMissing`] where one is absent.
    pub fn new(weights: &mut Weights, prefix: &str, layers: usize, heads: usize) -> Result<Self> {
        let blocks = (0..layers).map(|index| Block::new(weights, &format!("{prefix}.{index}")));
        Ok(Self { blocks: blocks.collect::<Result<_>>()?, heads, causal: false })
    }

    /// The same, but no token sees a later one.
    #[must_use]
    pub fn causal(self) -> Self {
        Self { causal: true, ..self }
    }

    /// Block `index`: `[n, tokens, width]` → the same.
    #[must_use]
    pub fn block(&self, index: usize, hidden: Tensor<3>) -> Tensor<3> {
        let block = &self.blocks[index];
        let hidden = hidden.clone() + block.attend(hidden, self.heads, self.causal);
        hidden.clone() + block.think(hidden)
    }
}

impl Block {
    fn new(weights: &mut Weights, prefix: &str) -> Result<Self> {
        Ok(Self {
            norm1: weights.layer_norm(&format!("{prefix}.layer_norm1"))?,
            query: weights.linear(&format!("{prefix}.self_attn.q_proj"))?,
            key: weights.linear(&format!("{prefix}.self_attn.k_proj"))?,
            value: weights.linear(&format!("{prefix}.self_attn.v_proj"))?,
            output: weights.linear(&format!("{prefix}.self_attn.out_proj"))?,
            norm2: weights.layer_norm(&format!("{prefix}.layer_norm2"))?,
            fc1: weights.linear(&format!("{prefix}.mlp.fc1"))?,
            fc2: weights.linear(&format!("{prefix}.mlp.fc2"))?,
        })
    }

    /// Norm and attention, without the residual.
    fn attend(&self, hidden: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
        let x = ops::layer_norm(hidden, &self.norm1);
        let (query, key) = (ops::linear(x.clone(), &self.query), ops::linear(x.clone(), &self.key));
        let value = ops::linear(x, &self.value);
        ops::linear(ops::attention(query, key, value, heads, causal), &self.output)
    }

    /// Norm and MLP, without the residual.
    fn think(&self, hidden: Tensor<3>) -> Tensor<3> {
        let x = ops::layer_norm(hidden, &self.norm2);
        ops::linear(ops::quick_gelu(ops::linear(x, &self.fc1)), &self.fc2)
    }
}
