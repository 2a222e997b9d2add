//! The transformer that both towers are made of (openai/CLIP, `clip/model.py`, `ResidualAttentionBlock`):
//! pre-norm blocks of attention and an MLP with QuickGELU.

use super::config::BlockShape;
use super::ops::{LayerNorm, Linear, Ops, Then};
use super::weights::Tensors;
use crate::Result;

/// A tower's blocks with their weights on a device.
#[derive(Debug)]
pub struct Transformer<O: Ops> {
    blocks: Vec<Block<O>>,
    shape: BlockShape,
}

/// One pre-norm block.
#[derive(Debug)]
struct Block<O: Ops> {
    norm1: LayerNorm<O>,
    qkv: O::Projections,
    output: Linear<O>,
    norm2: LayerNorm<O>,
    fc1: Linear<O>,
    fc2: Linear<O>,
}

impl<O: Ops> Transformer<O> {
    /// Takes the tensors `{prefix}.{index}.…` of `layers` blocks out of `tensors`.
    ///
    /// # Errors
    /// [`crate::Error::TensorMissing`] where one is absent.
    pub fn new(tensors: &mut Tensors<O>, prefix: &str, layers: usize, shape: BlockShape) -> Result<Self> {
        let blocks = (0..layers).map(|index| Block::new(tensors, &format!("{prefix}.{index}")));
        Ok(Self { blocks: blocks.collect::<Result<_>>()?, shape })
    }

    /// Makes the device ready for these blocks.
    ///
    /// # Errors
    /// As [`Ops::prepare`].
    pub async fn prepare(&self, ops: &O) -> Result<()> {
        match self.blocks.first() {
            Some(block) => ops.prepare(self.shape, &block.fc1.weight).await,
            None => Ok(()),
        }
    }

    /// Block `index`: `[n, tokens, width]` → the same.
    pub fn block(&self, ops: &O, index: usize, hidden: &O::Hidden) -> O::Hidden {
        let block = &self.blocks[index];
        let x = ops.layer_norm(hidden, &block.norm1);
        let x = ops.attention(&x, &block.qkv, self.shape.heads, self.shape.causal);
        let hidden = ops.linear(&x, &block.output, Then::Add(hidden));
        let x = ops.layer_norm(&hidden, &block.norm2);
        let x = ops.linear(&x, &block.fc1, Then::QuickGelu); // [n, tokens, mlp]
        ops.linear(&x, &block.fc2, Then::Add(&hidden))
    }
}

impl<O: Ops> Block<O> {
    fn new(tensors: &mut Tensors<O>, prefix: &str) -> Result<Self> {
        let [query, key, value] = ["q_proj", "k_proj", "v_proj"].map(|layer| format!("{prefix}.self_attn.{layer}"));
        let qkv = [tensors.linear(&query)?, tensors.linear(&key)?, tensors.linear(&value)?];
        Ok(Self {
            norm1: tensors.layer_norm(&format!("{prefix}.layer_norm1"))?,
            qkv: tensors.ops().projections(qkv)?,
            output: tensors.linear(&format!("{prefix}.self_attn.out_proj"))?,
            norm2: tensors.layer_norm(&format!("{prefix}.layer_norm2"))?,
            fc1: tensors.linear(&format!("{prefix}.mlp.fc1"))?,
            fc2: tensors.linear(&format!("{prefix}.mlp.fc2"))?,
        })
    }
}
