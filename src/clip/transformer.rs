//! The transformer that both towers are made of (openai/CLIP, `clip/model.py`, `ResidualAttentionBlock`):
//! pre-norm blocks of attention and an MLP with QuickGELU.

use super::config::BlockShape;
use super::ops::{LayerNorm, Linear, Ops, Then};
use super::pace::{Pace, SLOW_BLOCK_MS, SUBMISSION_MS};
use super::weights::Tensors;
use crate::Result;
use crate::clock::Clock;
use crate::progress::{self, Progress};

/// A tower's blocks with their weights on a device.
#[derive(Debug)]
pub struct Transformer<O: Ops> {
    blocks: Vec<Block<O>>,
    shape: BlockShape,
    pace: Pace,
}

/// How far a forward pass is, in blocks.
#[derive(Debug)]
pub struct Steps {
    pub done: usize,
    pub total: usize,
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
        Ok(Self { blocks: blocks.collect::<Result<_>>()?, shape, pace: Pace::default() })
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

    /// Learns how fast a device is that queues its work, from a block over one sequence of `tokens` tokens; it is not known
    /// before how many may be submitted at once. `first` gives what enters the first block.
    ///
    /// # Errors
    /// As [`Ops::wait`].
    pub async fn measure(&self, ops: &O, tokens: usize, first: impl Fn() -> Result<O::Hidden>) -> Result<()> {
        if !O::QUEUES || self.blocks.is_empty() || self.pace.block_ms(tokens).is_some() {
            return Ok(());
        }
        let hidden = first()?;
        // The first run also compiles kernels.
        for _ in 0..2 {
            ops.wait().await?;
            let clock = Clock::start();
            drop(self.block(ops, 0, &hidden));
            ops.wait().await?;
            self.pace.learn(tokens, clock.ms());
        }
        Ok(())
    }

    /// Sequences of `tokens` tokens that a pass takes at once: as many as the device has room for, and passes through a
    /// block in one submission.
    pub fn most(&self, ops: &O, tokens: usize) -> usize {
        let in_time = if O::QUEUES { self.pace.most_rows() / tokens } else { usize::MAX };
        ops.most(self.shape).min(in_time).max(1)
    }

    /// All blocks: `[n, tokens, width]` → the same, of `rows` tokens in all. `left` sees what each block leaves. Slow blocks
    /// are waited for; fast ones are one submission, or as many as keep each short.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`]; as [`Ops::wait`].
    pub async fn pass(
        &self,
        ops: &O,
        mut hidden: O::Hidden,
        rows: usize,
        progress: &mut impl Progress,
        steps: &mut Steps,
        mut left: impl FnMut(&O::Hidden),
    ) -> Result<O::Hidden> {
        let mut queued_ms = 0.0;
        for index in 0..self.blocks.len() {
            let clock = Clock::start();
            hidden = self.block(ops, index, &hidden);
            left(&hidden);
            let fast_ms = self.pace.block_ms(rows).filter(|&ms| ms <= SLOW_BLOCK_MS);
            if fast_ms.is_none() || !O::QUEUES {
                ops.wait().await?;
                self.pace.learn(rows, clock.ms());
            }
            match fast_ms {
                Some(ms) if O::QUEUES => {
                    queued_ms += ms;
                    if queued_ms + ms > SUBMISSION_MS {
                        ops.submit();
                        queued_ms = 0.0;
                    }
                }
                Some(_) if index > 0 => (),
                _ => progress.rest().await,
            }
            steps.done += 1;
            progress::step(progress, steps.done, steps.total)?;
        }
        Ok(hidden)
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
