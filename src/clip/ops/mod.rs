//! The few fused operations that the towers are written over, and who computes them: [`Cpu`] with burn, [`Gpu`]
//! with our own kernels. A tower is written once and knows neither.

mod cpu;
mod gpu;

use std::fmt::Debug;

pub use cpu::Cpu;
pub use gpu::Gpu;

use super::config::{BlockShape, VisionConfig};
use super::values::Values;
use crate::Result;

/// Computes on one device.
pub trait Ops: Debug + Clone {
    /// Activations on the device, `[n, tokens, width]`.
    type Hidden: Debug;
    /// A linear layer's weight on the device, `[out, in]`, however it lies there.
    type Weight: Debug;
    /// Query, key and value of one block's attention.
    type Projections: Debug;
    /// A bias, a norm's scale, the class token: `[n]`.
    type Vector: Debug;
    /// Positions, `[rows, width]`.
    type Table: Debug;

    /// Work is recorded, and computed after it was submitted; otherwise at once.
    const QUEUES: bool;

    /// Puts a weight on the device; `shape` is `[out, in]`.
    fn weight(&self, shape: [usize; 2], values: Values<'_>) -> Self::Weight;

    /// Joins the three linear layers that attention begins with.
    ///
    /// # Errors
    /// [`crate::Error::TensorType`] where the device needs them in one number type and they are not.
    fn projections(&self, layers: [Linear<Self>; 3]) -> Result<Self::Projections>;

    /// Puts a vector on the device.
    fn vector(&self, values: Vec<f32>) -> Self::Vector;

    /// Puts a table on the device, `[rows, width]`.
    fn table(&self, shape: [usize; 2], values: Vec<f32>) -> Self::Table;

    /// Makes ready for blocks of this shape: what can be measured is measured, once.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`], also where the device cannot compute them right.
    fn prepare(&self, shape: BlockShape, weight: &Self::Weight) -> impl Future<Output = Result<()>>;

    /// Sequences that blocks of this shape take at once.
    fn most(&self, shape: BlockShape) -> usize;

    /// Whole pictures `[n, 3, side, side]` → class token and patches with their positions,
    /// `[n, tokens, width]`.
    fn picture_tokens(
        &self,
        pixels: Vec<f32>,
        embedding: &PictureEmbedding<Self>,
        config: &VisionConfig,
    ) -> Self::Hidden;

    /// Rows of token embeddings `[n, tokens, width]` plus the first positions.
    fn text_tokens(&self, values: Vec<f32>, shape: [usize; 3], position: &Self::Table) -> Self::Hidden;

    /// Layer norm over the last axis.
    fn layer_norm(&self, x: &Self::Hidden, norm: &LayerNorm<Self>) -> Self::Hidden;

    /// `x · weightᵀ + bias`, and what comes after: `[n, tokens, in]` → `[n, tokens, out]`.
    fn linear(&self, x: &Self::Hidden, layer: &Linear<Self>, then: Then<'_, Self::Hidden>) -> Self::Hidden;

    /// Query, key, value and scaled dot-product attention over `heads` heads, without the output's linear layer.
    /// Where it is `causal`, a token sees itself and those before it.
    fn attention(&self, x: &Self::Hidden, qkv: &Self::Projections, heads: usize, causal: bool) -> Self::Hidden;

    /// Of each sequence the token at its place in `places` `[n]`: → `[n, 1, width]`.
    fn pick(&self, x: &Self::Hidden, places: &[usize]) -> Self::Hidden;

    /// Of each sequence the mean of all tokens but the first, which a picture's patches are: → `[n, 1, width]`.
    fn patch_mean(&self, x: &Self::Hidden) -> Self::Hidden;

    /// Joins tokens: as many times `[n, 1, width]` → `[n, tokens, width]`.
    fn stack(&self, tokens: Vec<Self::Hidden>) -> Self::Hidden;

    /// Lets the device begin with everything before.
    fn submit(&self) {}

    /// Waits until everything before is computed.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    fn wait(&self) -> impl Future<Output = Result<()>>;

    /// Reads activations back, row-major.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    fn read(&self, x: &Self::Hidden) -> impl Future<Output = Result<Vec<f32>>>;
}

/// What follows a product.
#[derive(Debug)]
pub enum Then<'a, H> {
    /// Nothing.
    Nothing,
    /// QuickGELU, x·σ(1.702 x): what CLIP was trained with, never GELU (openai/CLIP, `clip/model.py`).
    QuickGelu,
    /// Adds the residual stream.
    Add(&'a H),
}

/// A linear layer, weight `[out, in]`, bias `[out]` where it has one.
#[derive(Debug)]
pub struct Linear<O: Ops> {
    pub weight: O::Weight,
    pub bias: Option<O::Vector>,
}

/// A layer norm over the last axis, both `[width]`.
#[derive(Debug)]
pub struct LayerNorm<O: Ops> {
    pub scale: O::Vector,
    pub shift: O::Vector,
}

/// What turns a picture into tokens.
#[derive(Debug)]
pub struct PictureEmbedding<O: Ops> {
    /// The patch convolution as a product, `[width, 3·patch·patch]`.
    pub patch: Linear<O>,
    /// The class token, `[width]`.
    pub class: O::Vector,
    /// `[tokens, width]`.
    pub position: O::Table,
}
