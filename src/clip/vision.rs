//! CLIP's image tower (Radford et al. 2021, section 2.4; openai/CLIP `clip/model.py`,
//! `VisionTransformer`): pixels in, the projected embedding and the class token of every block out.

use burn::tensor::{Tensor, TensorData};

use super::config::VisionConfig;
use super::ops::{self, LayerNorm};
use super::transformer::Transformer;
use super::weights::Weights;
use crate::clock::Clock;
use crate::device::Device;
use crate::progress::{self, Progress};
use crate::{Error, Result};

/// Blocks that take longer than this, in milliseconds, are waited for one by one, so that progress is
/// real and a stop is heard. Faster ones are queued together, because each wait costs a round trip.
const SLOW_BLOCK_MS: f64 = 60.0;

/// The image tower with its weights on a device.
#[derive(Debug)]
pub struct VisionTower {
    config: VisionConfig,
    device: Device,
    patch: Tensor<2>,
    class: Tensor<1>,
    position: Tensor<2>,
    pre_norm: LayerNorm,
    transformer: Transformer,
    post_norm: LayerNorm,
    projection: Tensor<2>,
}

/// What the tower saw in `n` pictures, read back from the device.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageTokens {
    /// Number of pictures.
    pub n: usize,
    /// The projected embedding, `[n, projection]`, not normalised.
    pub embedding: Vec<f32>,
    /// The class token after each block, `[n, layers, width]`, before the last norm.
    pub class_tokens: Vec<f32>,
}

impl VisionTower {
    /// Takes the tower's tensors out of `weights`.
    ///
    /// # Errors
    /// [`Error::TensorMissing`] where one is absent.
    pub fn new(config: VisionConfig, weights: &mut Weights, device: Device) -> Result<Self> {
        let transformer = Transformer::new(weights, "vision_model.encoder.layers", config.layers, config.heads)?;
        Ok(Self {
            patch: weights.matrix("vision_model.embeddings.patch_embedding.weight")?,
            class: weights.vector("vision_model.embeddings.class_embedding")?,
            position: weights.matrix("vision_model.embeddings.position_embedding.weight")?,
            pre_norm: weights.layer_norm("vision_model.pre_layrnorm")?,
            transformer,
            post_norm: weights.layer_norm("vision_model.post_layernorm")?,
            projection: weights.matrix("visual_projection.weight")?,
            config,
            device,
        })
    }

    /// The shape of the tower.
    #[must_use]
    pub fn config(&self) -> &VisionConfig {
        &self.config
    }

    /// The device that holds the weights.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The whole pass over `pixels` `[n, 3, side, side]`, row-major.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::DeviceFailed`], or [`Error::NotFinite`] where the result is no
    /// number.
    pub async fn forward(&self, pixels: Vec<f32>, progress: &mut impl Progress) -> Result<ImageTokens> {
        let total = self.config.layers;
        let mut hidden = self.embed(pixels)?;
        let n = hidden.dims()[0];
        let mut class_tokens = Vec::with_capacity(total);
        let mut slow = true;
        progress::step(progress, 0, total)?;
        for index in 0..total {
            let clock = Clock::start();
            hidden = self.block(index, hidden);
            let class = class_token(&hidden);
            if slow {
                self.device.read(class.clone()).await?;
                // The first block also compiles kernels; the second tells how fast the device is.
                slow = index == 0 || clock.ms() > SLOW_BLOCK_MS;
                progress.rest().await;
            }
            class_tokens.push(class);
            progress::step(progress, index + 1, total)?;
        }
        let embedding = self.device.read(self.project(&hidden)).await?;
        let class_tokens = self.device.read(Tensor::stack::<3>(class_tokens, 1)).await?; // [n, layers, width]
        if !embedding.iter().chain(&class_tokens).all(|value| value.is_finite()) {
            return Err(Error::NotFinite { name: "The image tower's result".to_owned() });
        }
        Ok(ImageTokens { n, embedding, class_tokens })
    }

    /// Pixels `[n, 3, side, side]` → the tokens that enter the first block, `[n, tokens, width]`.
    ///
    /// # Errors
    /// [`Error::TensorShape`] where the pixels are not whole pictures of the tower's size.
    pub fn embed(&self, pixels: Vec<f32>) -> Result<Tensor<3>> {
        Ok(ops::layer_norm(self.positioned(pixels)?, &self.pre_norm))
    }

    /// Pixels → patch and class tokens with their positions, before the first norm.
    ///
    /// # Errors
    /// As [`VisionTower::embed`].
    pub fn positioned(&self, pixels: Vec<f32>) -> Result<Tensor<3>> {
        let (side, width) = (self.config.image_size, self.config.width);
        let picture = 3 * side * side;
        if pixels.is_empty() || !pixels.len().is_multiple_of(picture) {
            return Err(Error::TensorShape {
                name: "pixels".to_owned(),
                expected: vec![3, side, side],
                got: vec![pixels.len()],
            });
        }
        let n = pixels.len() / picture;
        let pixels = Tensor::<4>::from_data(TensorData::new(pixels, [n, 3, side, side]), self.device.burn());
        let patches = ops::patches(pixels, self.config.patch_size); // [n, patches, 3·patch·patch]
        let patches = patches.matmul(self.patch.clone().unsqueeze()); // [n, patches, width]
        let class = self.class.clone().reshape([1, 1, width]).expand([n, 1, width]); // [n, 1, width]
        Ok(Tensor::cat(vec![class, patches], 1) + self.position.clone().unsqueeze()) // [n, tokens, width]
    }

    /// Block `index`: `[n, tokens, width]` → the same.
    #[must_use]
    pub fn block(&self, index: usize, hidden: Tensor<3>) -> Tensor<3> {
        self.transformer.block(index, hidden)
    }

    /// The last block's class token, normed and projected: `[n, tokens, width]` → `[n, projection]`.
    #[must_use]
    pub fn project(&self, hidden: &Tensor<3>) -> Tensor<2> {
        let class = class_token(hidden).unsqueeze_dim(1); // [n, 1, width]
        let normed: Tensor<2> = ops::layer_norm(class, &self.post_norm).squeeze_dim(1); // [n, width]
        normed.matmul(self.projection.clone()) // [n, projection]
    }
}

/// `[n, tokens, width]` → the class token, `[n, width]`.
fn class_token(hidden: &Tensor<3>) -> Tensor<2> {
    hidden.clone().narrow(1, 0, 1).squeeze_dim(1)
}
