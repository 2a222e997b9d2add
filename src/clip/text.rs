//! CLIP's text tower (Radford et al. 2021, section 2.4; openai/CLIP `clip/model.py`, `encode_text`):
//! token ids in, the projected embedding at the end-of-text token out.

use burn::tensor::{Tensor, TensorData};

use super::config::TextConfig;
use super::ops::{self, LayerNorm};
use super::rows::Rows;
use super::transformer::Transformer;
use super::weights::Weights;
use crate::device::Device;
use crate::progress::{self, Progress};
use crate::{Error, Result};

/// The text tower with its weights on a device; the token table stays on the CPU.
#[derive(Debug)]
pub struct TextTower {
    config: TextConfig,
    device: Device,
    token: Rows,
    position: Tensor<2>,
    transformer: Transformer,
    final_norm: LayerNorm,
    projection: Tensor<2>,
}

impl TextTower {
    /// Takes the tower's tensors out of `weights`.
    ///
    /// # Errors
    /// [`Error::TensorMissing`] where one is absent.
    pub fn new(config: TextConfig, weights: &mut Weights, device: Device) -> Result<Self> {
        let transformer = Transformer::new(weights, "text_model.encoder.layers", config.layers, config.heads)?;
        Ok(Self {
            token: weights.rows("text_model.embeddings.token_embedding.weight")?,
            position: weights.matrix("text_model.embeddings.position_embedding.weight")?,
            transformer: transformer.causal(),
            final_norm: weights.layer_norm("text_model.final_layer_norm")?,
            projection: weights.matrix("text_projection.weight")?,
            config,
            device,
        })
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
    /// [`Error::TensorShape`] as [`TextTower::embed`]; [`Error::Cancelled`], [`Error::DeviceFailed`], or
    /// [`Error::NotFinite`] where the result is no number.
    pub async fn forward(&self, captions: &[Vec<u32>], progress: &mut impl Progress) -> Result<Vec<f32>> {
        if captions.is_empty() {
            return Ok(Vec::new());
        }
        let total = self.config.layers;
        let mut hidden = self.embed(captions)?;
        for index in 0..total {
            progress::step(progress, index, total)?;
            hidden = self.block(index, hidden);
        }
        let ends: Vec<usize> = captions.iter().map(|ids| end(ids)).collect();
        let embedding = self.device.read(self.project(&hidden, &ends)).await?;
        progress::step(progress, total, total)?;
        if !embedding.iter().all(|value| value.is_finite()) {
            return Err(Error::NotFinite { name: "The text tower's result".to_owned() });
        }
        Ok(embedding)
    }

    /// Token ids → the tokens that enter the first block, `[n, tokens, width]`, as many as the longest
    /// caption has. Shorter ones end in zeros, which no token of theirs sees; nor would it see those that fill
    /// the context in other implementations.
    ///
    /// # Errors
    /// [`Error::TensorShape`] where a caption is empty, longer than the context, or has an id beyond the
    /// vocabulary.
    pub fn embed(&self, captions: &[Vec<u32>]) -> Result<Tensor<3>> {
        let (n, width) = (captions.len(), self.config.width);
        let tokens = captions.iter().map(Vec::len).max().unwrap_or_default();
        let shortest = captions.iter().map(Vec::len).min().unwrap_or_default();
        let beyond = captions.iter().flatten().any(|&id| id as usize >= self.config.vocabulary);
        if shortest == 0 || tokens > self.config.context || beyond {
            let expected = vec![self.config.context, self.config.vocabulary];
            return Err(Error::TensorShape { name: "tokens".to_owned(), expected, got: vec![n, tokens] });
        }
        let mut values = Vec::with_capacity(n * tokens * width);
        for (index, ids) in captions.iter().enumerate() {
            values.extend(ids.iter().flat_map(|&id| self.token.row(id as usize)));
            values.resize((index + 1) * tokens * width, 0.0);
        }
        let embedded = Tensor::<3>::from_data(TensorData::new(values, [n, tokens, width]), self.device.burn());
        Ok(embedded + self.position.clone().narrow(0, 0, tokens).unsqueeze()) // [n, tokens, width]
    }

    /// Block `index`: `[n, tokens, width]` → the same.
    #[must_use]
    pub fn block(&self, index: usize, hidden: Tensor<3>) -> Tensor<3> {
        self.transformer.block(index, hidden)
    }

    /// Of each caption the token at its place in `ends` `[n]`, normed and projected: `[n, tokens, width]` →
    /// `[n, projection]`.
    #[must_use]
    pub fn project(&self, hidden: &Tensor<3>, ends: &[usize]) -> Tensor<2> {
        let width = self.config.width;
        let end = |(index, &place): (usize, &usize)| hidden.clone().slice([index..index + 1, place..place + 1]);
        let ends = Tensor::cat(ends.iter().enumerate().map(end).collect(), 0); // [n, 1, width]
        let normed = ops::layer_norm(ends, &self.final_norm); // [n, 1, width]
        let n = normed.dims()[0];
        normed.reshape([n, width]).matmul(self.projection.clone()) // [n, projection]
    }
}

/// Where the end-of-text token is: it has the highest id, and the first of several counts (transformers
/// `modeling_clip.py`, `CLIPTextTransformer.forward`).
fn end(ids: &[u32]) -> usize {
    let highest = ids.iter().max();
    ids.iter().position(|id| Some(id) == highest).unwrap_or_default()
}
