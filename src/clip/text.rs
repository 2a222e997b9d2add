//! CLIP's text tower (Radford et al. 2021, section 2.4; openai/CLIP `clip/model.py`, `encode_text`):
//! token ids in, the projected embedding at the end-of-text token out.

use super::config::TextConfig;
use super::ops::{Cpu, Gpu, LayerNorm, Linear, Ops, Then};
use super::rows::Rows;
use super::transformer::{Steps, Transformer};
use super::weights::{Tensors, Weights};
use super::{Stage, blame_gpu};
use crate::device::Device;
use crate::progress::{self, Progress};
use crate::{Error, Result};

/// The text tower with its weights on a device; the token table stays on the CPU.
#[derive(Debug)]
pub struct TextTower {
    config: TextConfig,
    device: Device,
    tower: On,
}

/// The tower on what computes it.
#[derive(Debug)]
enum On {
    Cpu(Box<Tower<Cpu>>),
    Gpu(Box<Tower<Gpu>>),
}

/// The tower, whoever computes.
#[derive(Debug)]
struct Tower<O: Ops> {
    ops: O,
    token: Rows,
    position: O::Table,
    transformer: Transformer<O>,
    final_norm: LayerNorm<O>,
    projection: Linear<O>,
    config: TextConfig,
}

impl TextTower {
    /// Takes the tower's tensors out of `weights`.
    ///
    /// # Errors
    /// [`Error::TensorMissing`] where one is absent.
    pub fn new(config: TextConfig, weights: &mut Weights, device: Device) -> Result<Self> {
        let tower = match weights {
            Weights::Cpu(tensors) => On::Cpu(Box::new(Tower::new(&config, tensors)?)),
            Weights::Gpu(tensors) => On::Gpu(Box::new(Tower::new(&config, tensors)?)),
        };
        Ok(Self { config, device, tower })
    }

    /// The shape of the tower.
    #[must_use]
    pub fn config(&self) -> &TextConfig {
        &self.config
    }

    /// The device that holds the weights.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The embeddings of `n` captions, each its token ids from the start token to the end token:
    /// `[n, projection]`, not normalised. `progress` is told of every block.
    ///
    /// # Errors
    /// [`Error::TensorShape`] where a caption is empty, longer than the context, or has an id beyond the
    /// vocabulary; [`Error::Tokenizer`] where it lacks the end token; [`Error::Cancelled`], [`Error::DeviceFailed`], or
    /// [`Error::NotFinite`] where the result of the CPU is no number; that of a GPU is [`Error::DeviceFailed`].
    pub async fn forward(&self, captions: &[Vec<u32>], progress: &mut impl Progress) -> Result<Vec<f32>> {
        match &self.tower {
            On::Cpu(tower) => tower.forward(captions, progress).await,
            On::Gpu(tower) => tower.forward(captions, progress).await.map_err(blame_gpu),
        }
    }

    /// What the tower holds after each of its blocks, read back one by one: for tests that name the first wrong
    /// one.
    ///
    /// # Errors
    /// As [`TextTower::forward`].
    pub async fn stages(&self, captions: &[Vec<u32>]) -> Result<Vec<Stage>> {
        match &self.tower {
            On::Cpu(tower) => tower.stages(captions).await,
            On::Gpu(tower) => tower.stages(captions).await,
        }
    }
}

impl<O: Ops> Tower<O> {
    fn new(config: &TextConfig, tensors: &mut Tensors<O>) -> Result<Self> {
        Ok(Self {
            token: tensors.rows("text_model.embeddings.token_embedding.weight")?,
            position: tensors.table("text_model.embeddings.position_embedding.weight")?,
            transformer: Transformer::new(tensors, "text_model.encoder.layers", config.layers, config.block())?,
            final_norm: tensors.layer_norm("text_model.final_layer_norm")?,
            projection: tensors.product("text_projection.weight")?,
            config: config.clone(),
            ops: tensors.ops().clone(),
        })
    }

    async fn forward(&self, captions: &[Vec<u32>], progress: &mut impl Progress) -> Result<Vec<f32>> {
        if captions.is_empty() {
            return Ok(Vec::new());
        }
        let (n, layers) = (captions.len(), self.config.layers);
        progress::step(progress, 0, layers)?;
        let tokens = self.longest(captions)?;
        self.transformer.prepare(&self.ops).await?;
        self.transformer.measure(&self.ops, tokens, || Ok(self.embed(&[vec![0; tokens]])?.0)).await?;
        let most = self.transformer.most(&self.ops, tokens).min(n);
        let mut steps = Steps { done: 0, total: n.div_ceil(most) * layers };
        let mut embedding = Vec::with_capacity(n * self.config.projection);
        for captions in captions.chunks(most) {
            embedding.extend(self.pass(captions, progress, &mut steps).await?);
        }
        Ok(embedding)
    }

    /// One pass, of as many captions as the device takes at once: `[n, projection]`.
    async fn pass(&self, captions: &[Vec<u32>], progress: &mut impl Progress, steps: &mut Steps) -> Result<Vec<f32>> {
        let ops = &self.ops;
        let ends = captions.iter().map(|ids| end(ids, self.config.end)).collect::<Result<Vec<usize>>>()?;
        let (hidden, [n, tokens, _]) = self.embed(captions)?;
        let hidden = self.transformer.pass(ops, hidden, n * tokens, progress, steps, |_| ()).await?;
        let normed = ops.layer_norm(&ops.pick(&hidden, &ends), &self.final_norm); // [n, 1, width]
        let embedding = ops.read(&ops.linear(&normed, &self.projection, Then::Nothing)).await?; // [n, 1, projection]
        if !embedding.iter().all(|value| value.is_finite()) {
            return Err(Error::NotFinite { name: "The text tower's result".to_owned() });
        }
        Ok(embedding)
    }

    async fn stages(&self, captions: &[Vec<u32>]) -> Result<Vec<Stage>> {
        let (mut hidden, shape) = self.embed(captions)?;
        let mut stages = Vec::new();
        for index in 0..self.config.layers {
            hidden = self.transformer.block(&self.ops, index, &hidden);
            stages.push(Stage { name: format!("stage.{index}"), shape, values: self.ops.read(&hidden).await? });
        }
        Ok(stages)
    }

    /// Tokens of the longest caption.
    ///
    /// # Errors
    /// [`Error::TensorShape`] where one is empty, longer than the context, or has an id beyond the vocabulary.
    fn longest(&self, captions: &[Vec<u32>]) -> Result<usize> {
        let longest = captions.iter().map(Vec::len).max().unwrap_or_default();
        let shortest = captions.iter().map(Vec::len).min().unwrap_or_default();
        let beyond = captions.iter().flatten().any(|&id| id as usize >= self.config.vocabulary);
        if shortest == 0 || longest > self.config.context || beyond {
            let expected = vec![self.config.context, self.config.vocabulary];
            return Err(Error::TensorShape { name: "tokens".to_owned(), expected, got: vec![captions.len(), longest] });
        }
        Ok(longest)
    }

    /// Token ids → the tokens that enter the first block and their shape `[n, tokens, width]`, as many as the
    /// longest caption has. Shorter ones end in zeros, which no token of theirs sees; nor would it see those that
    /// fill the context in other implementations.
    fn embed(&self, captions: &[Vec<u32>]) -> Result<(O::Hidden, [usize; 3])> {
        let (n, width, tokens) = (captions.len(), self.config.width, self.longest(captions)?);
        let mut values = Vec::with_capacity(n * tokens * width);
        for (index, ids) in captions.iter().enumerate() {
            values.extend(ids.iter().flat_map(|&id| self.token.row(id as usize)));
            values.resize((index + 1) * tokens * width, 0.0);
        }
        let shape = [n, tokens, width];
        Ok((self.ops.text_tokens(values, shape, &self.position), shape))
    }
}

/// Where the end-of-text token is, the first of several: `named`, or the one with the highest id (transformers
/// `modeling_clip.py`, `CLIPTextTransformer.forward`).
fn end(ids: &[u32], named: Option<u32>) -> Result<usize> {
    let end = named.or(ids.iter().max().copied());
    ids.iter().position(|&id| Some(id) == end).ok_or_else(|| Error::Tokenizer {
        message: format!("a caption has no end-of-text token, {}", end.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_the_first_token_of_its_name_or_of_the_highest_id() {
        assert_eq!(end(&[3, 9, 5, 5], Some(5)).unwrap(), 2);
        assert_eq!(end(&[3, 9, 5, 9], None).unwrap(), 1);
        assert_eq!(end(&[3, 9], Some(5)).unwrap_err().code(), "tokenizer");
    }
}
