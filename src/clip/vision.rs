//! CLIP's image tower (Radford et al. 2021, section 2.4; openai/CLIP `clip/model.py`,
//! `VisionTransformer`): pixels in, the projected embedding out, and of every
//! block the class token and the mean of the patch tokens.

use super::config::VisionConfig;
use super::ops::{Cpu, Gpu, LayerNorm, Linear, Ops, PictureEmbedding, Then};
use super::transformer::{Steps, Transformer};
use super::weights::{Tensors, Weights};
use super::{Stage, blame_gpu};
use crate::device::Device;
use crate::progress::{self, Progress};
use crate::{Error, Result};

/// The image tower with its weights on a device.
#[derive(Debug)]
pub struct VisionTower {
    config: VisionConfig,
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
    embedding: PictureEmbedding<O>,
    pre_norm: LayerNorm<O>,
    transformer: Transformer<O>,
    post_norm: LayerNorm<O>,
    projection: Linear<O>,
    config: VisionConfig,
}

/// What the tower saw in `n` pictures, read back from the device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageTokens {
    /// Number of pictures.
    pub n: usize,
    /// The projected embedding, `[n, projection]`, not normalised.
    pub embedding: Vec<f32>,
    /// The class token after each block, `[n, layers, width]`, before the last norm.
    pub class_tokens: Vec<f32>,
    /// The mean of the patch tokens after each block, `[n, layers, width]`.
    pub patch_means: Vec<f32>,
}

impl ImageTokens {
    /// Adds what the tower saw in other pictures.
    pub fn append(&mut self, other: &Self) {
        self.n += other.n;
        self.embedding.extend_from_slice(&other.embedding);
        self.class_tokens.extend_from_slice(&other.class_tokens);
        self.patch_means.extend_from_slice(&other.patch_means);
    }

    /// The mean of each run of pictures, which follow each other; runs of 0 leave nothing. All lengths together are
    /// [`Self::n`].
    #[must_use]
    pub fn averaged(self, runs: &[usize]) -> Self {
        if runs.iter().all(|&length| length <= 1) {
            return self;
        }
        let mean = |rows: &[f32]| means(rows, rows.len() / self.n.max(1), runs);
        Self {
            n: runs.iter().filter(|&&length| length > 0).count(),
            embedding: mean(&self.embedding),
            class_tokens: mean(&self.class_tokens),
            patch_means: mean(&self.patch_means),
        }
    }
}

/// `[n, width]` → the mean of each run of rows that has any, `[runs, width]`.
fn means(rows: &[f32], width: usize, runs: &[usize]) -> Vec<f32> {
    let mut means = Vec::with_capacity(runs.len() * width);
    let mut first = 0;
    for &length in runs.iter().filter(|&&length| length > 0) {
        let run = &rows[first * width..(first + length) * width]; // [length, width]
        means.extend((0..width).map(|at| run.iter().skip(at).step_by(width).sum::<f32>() / length as f32));
        first += length;
    }
    means
}

impl VisionTower {
    /// Takes the tower's tensors out of `weights`.
    ///
    /// # Errors
    /// [`Error::TensorMissing`] where one is absent.
    pub fn new(config: VisionConfig, weights: &mut Weights, device: Device) -> Result<Self> {
        let tower = match weights {
            Weights::Cpu(tensors) => On::Cpu(Box::new(Tower::new(&config, tensors)?)),
            Weights::Gpu(tensors) => On::Gpu(Box::new(Tower::new(&config, tensors)?)),
        };
        Ok(Self { config, device, tower })
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

    /// Makes the device ready: on a GPU the fastest kernels are chosen, in at most about two seconds, unless they are
    /// known, and its speed is measured. [`VisionTower::forward`] does it where it was not done.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`], also where no kernel is right.
    pub async fn prepare(&self) -> Result<()> {
        match &self.tower {
            On::Cpu(tower) => tower.prepare().await,
            On::Gpu(tower) => tower.prepare().await,
        }
    }

    /// The whole pass over `pixels` `[n, 3, side, side]`, row-major.
    ///
    /// # Errors
    /// [`Error::TensorShape`] where the pixels are not whole pictures of the tower's size;
    /// [`Error::Cancelled`], [`Error::DeviceFailed`], or [`Error::NotFinite`] where the result of the CPU is no number;
    /// that of a GPU is [`Error::DeviceFailed`].
    pub async fn forward(&self, pixels: Vec<f32>, progress: &mut impl Progress) -> Result<ImageTokens> {
        match &self.tower {
            On::Cpu(tower) => tower.forward(pixels, progress).await,
            On::Gpu(tower) => tower.forward(pixels, progress).await.map_err(blame_gpu),
        }
    }

    /// What the tower holds after each of its stages, read back one by one: for tests that name the first wrong
    /// one.
    ///
    /// # Errors
    /// As [`VisionTower::forward`].
    pub async fn stages(&self, pixels: Vec<f32>) -> Result<Vec<Stage>> {
        match &self.tower {
            On::Cpu(tower) => tower.stages(pixels).await,
            On::Gpu(tower) => tower.stages(pixels).await,
        }
    }
}

impl<O: Ops> Tower<O> {
    fn new(config: &VisionConfig, tensors: &mut Tensors<O>) -> Result<Self> {
        let embedding = PictureEmbedding {
            patch: tensors.product("vision_model.embeddings.patch_embedding.weight")?,
            class: tensors.vector("vision_model.embeddings.class_embedding")?,
            position: tensors.table("vision_model.embeddings.position_embedding.weight")?,
        };
        Ok(Self {
            embedding,
            pre_norm: tensors.layer_norm("vision_model.pre_layrnorm")?,
            transformer: Transformer::new(tensors, "vision_model.encoder.layers", config.layers, config.block())?,
            post_norm: tensors.layer_norm("vision_model.post_layernorm")?,
            projection: tensors.product("visual_projection.weight")?,
            config: config.clone(),
            ops: tensors.ops().clone(),
        })
    }

    async fn prepare(&self) -> Result<()> {
        self.transformer.prepare(&self.ops).await?;
        let black = || vec![0.0; 3 * self.config.image_size.pow(2)];
        let first = || Ok(self.ops.layer_norm(&self.positioned(black()), &self.pre_norm));
        self.transformer.measure(&self.ops, self.config.tokens(), first).await
    }

    async fn forward(&self, pixels: Vec<f32>, progress: &mut impl Progress) -> Result<ImageTokens> {
        let n = self.pictures(&pixels)?;
        progress::step(progress, 0, self.config.layers)?;
        self.prepare().await?;
        let most = self.transformer.most(&self.ops, self.config.tokens()).min(n);
        let mut steps = Steps { done: 0, total: n.div_ceil(most) * self.config.layers };
        if most == n {
            return self.pass(pixels, progress, &mut steps).await;
        }
        let mut all = ImageTokens::default();
        for pixels in pixels.chunks(most * 3 * self.config.image_size.pow(2)) {
            all.append(&self.pass(pixels.to_vec(), progress, &mut steps).await?);
        }
        Ok(all)
    }

    /// One pass, of as many pictures as the device takes at once.
    async fn pass(&self, pixels: Vec<f32>, progress: &mut impl Progress, steps: &mut Steps) -> Result<ImageTokens> {
        let ops = &self.ops;
        let n = self.pictures(&pixels)?;
        let hidden = ops.layer_norm(&self.positioned(pixels), &self.pre_norm);
        let (mut class_tokens, mut patch_means) = (Vec::new(), Vec::new());
        let left = |hidden: &O::Hidden| {
            class_tokens.push(self.class_token(hidden, n));
            patch_means.push(ops.patch_mean(hidden));
        };
        let hidden = self.transformer.pass(ops, hidden, n * self.config.tokens(), progress, steps, left).await?;
        let normed = ops.layer_norm(&self.class_token(&hidden, n), &self.post_norm); // [n, 1, width]
        let embedding = ops.linear(&normed, &self.projection, Then::Nothing); // [n, 1, projection]
        let class_tokens = ops.stack(class_tokens); // [n, layers, width]
        let patch_means = ops.stack(patch_means); // [n, layers, width]
        let embedding = ops.read(&embedding).await?;
        let (class_tokens, patch_means) = (ops.read(&class_tokens).await?, ops.read(&patch_means).await?);
        if !embedding.iter().chain(&class_tokens).chain(&patch_means).all(|value| value.is_finite()) {
            return Err(Error::NotFinite { name: "The image tower's result".to_owned() });
        }
        Ok(ImageTokens { n, embedding, class_tokens, patch_means })
    }

    async fn stages(&self, pixels: Vec<f32>) -> Result<Vec<Stage>> {
        let (ops, n) = (&self.ops, self.pictures(&pixels)?);
        let shape = [n, self.config.tokens(), self.config.width];
        let stage = async |name: String, hidden: &O::Hidden| Ok(Stage { name, shape, values: ops.read(hidden).await? });
        let positioned = self.positioned(pixels);
        let mut hidden = ops.layer_norm(&positioned, &self.pre_norm);
        let mut stages = vec![
            stage("stage.embeddings".to_owned(), &positioned).await?,
            stage("stage.pre_layrnorm".to_owned(), &hidden).await?,
        ];
        for index in 0..self.config.layers {
            hidden = self.transformer.block(ops, index, &hidden);
            stages.push(stage(format!("stage.layers.{index}"), &hidden).await?);
        }
        Ok(stages)
    }

    /// How many pictures `[n, 3, side, side]` are.
    fn pictures(&self, pixels: &[f32]) -> Result<usize> {
        let side = self.config.image_size;
        let picture = 3 * side * side;
        if pixels.is_empty() || !pixels.len().is_multiple_of(picture) {
            return Err(Error::TensorShape {
                name: "pixels".to_owned(),
                expected: vec![3, side, side],
                got: vec![pixels.len()],
            });
        }
        Ok(pixels.len() / picture)
    }

    /// Pixels → patch and class tokens with their positions, before the first norm, `[n, tokens, width]`.
    fn positioned(&self, pixels: Vec<f32>) -> O::Hidden {
        self.ops.picture_tokens(pixels, &self.embedding, &self.config)
    }

    /// `[n, tokens, width]` → the class token, `[n, 1, width]`.
    fn class_token(&self, hidden: &O::Hidden, n: usize) -> O::Hidden {
        self.ops.pick(hidden, &vec![0; n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_of_pictures_is_averaged_and_an_empty_one_leaves_nothing() {
        let tokens = ImageTokens {
            n: 4,
            embedding: vec![1.0, 3.0, 5.0, 7.0],
            class_tokens: (0..16).map(|value| value as f32).collect(), // [4, 2, 2]
            patch_means: (0..16).map(|value| -value as f32).collect(),
        };
        let averaged = tokens.clone().averaged(&[1, 0, 3]);
        assert_eq!((averaged.n, &averaged.embedding[..]), (2, &[1.0, 5.0][..]));
        assert_eq!(averaged.class_tokens, [0.0, 1.0, 2.0, 3.0, 8.0, 9.0, 10.0, 11.0]);
        assert_eq!(averaged.patch_means, [0.0, -1.0, -2.0, -3.0, -8.0, -9.0, -10.0, -11.0]);
        assert_eq!(tokens.clone().averaged(&[1, 1, 0, 1, 1]), tokens);
    }
}
