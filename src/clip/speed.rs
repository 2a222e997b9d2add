//! How fast each kernel of a tower runs on a GPU beside what the GPU can do, for the bench.

use super::config::BlockShape;
use crate::device::Device;
use crate::gpu::attention::Sequences;
use crate::gpu::matrix::Format;
pub use crate::gpu::speed::{Amount, Rate};
use crate::gpu::tuning::{Follows, Product, Work, tune};
use crate::gpu::{Context, speed};
use crate::{Error, Result};

/// A model whose kernels are measured.
#[derive(Debug, Clone, Copy)]
pub enum Model {
    /// ViT-B/16.
    Base,
    /// ViT-L/14.
    Large,
}

impl Model {
    /// Blocks of the image tower and of the text tower.
    fn blocks(self) -> [BlockShape; 2] {
        let block = |tokens, width, causal| BlockShape { tokens, width, heads: width / 64, mlp: 4 * width, causal };
        match self {
            Self::Base => [block(197, 768, false), block(77, 512, true)],
            Self::Large => [block(257, 1024, false), block(77, 768, true)],
        }
    }
}

/// Every kernel of one picture's pass, with weights in each number type; with `every_way`, each way to compute it
/// instead of the chosen one. The first two rows are what the device can do.
///
/// # Errors
/// [`Error::GpuUnavailable`] where the device is none; [`Error::DeviceFailed`].
pub async fn kernels(device: &Device, model: Model, every_way: bool, told: &mut impl FnMut(&Rate)) -> Result<()> {
    let gpu = device.gpu().ok_or(Error::GpuUnavailable { reason: "the CPU was asked for".to_owned() })?;
    told(&speed::multiply_adds(&gpu).await?);
    told(&speed::copy(&gpu).await?);
    let [image, text] = model.blocks();
    for format in [Format::F32, Format::Int8, Format::F16] {
        products(&gpu, image, format, every_way, told).await?;
    }
    for BlockShape { tokens, width, heads, causal, .. } in [image, text] {
        let heads = Sequences { tokens, heads, causal };
        if !every_way {
            gpu.choose(tune(&gpu, &gpu.choices(), Work { layers: &[], heads, width }).await?);
        }
        let choices = gpu.choices();
        let chosen = (!every_way).then_some(&choices);
        speed::attend(&gpu, heads, width, chosen).await?.iter().for_each(&mut *told);
    }
    told(&speed::norm(&gpu, image.tokens, image.width).await?);
    Ok(())
}

async fn products(
    gpu: &Context,
    block: BlockShape,
    format: Format,
    every_way: bool,
    told: &mut impl FnMut(&Rate),
) -> Result<()> {
    let BlockShape { tokens, width, heads, mlp, causal } = block;
    let shapes = [[3 * width, width], [width, width], [mlp, width], [width, mlp]];
    let layers = shapes.map(|shape| (Product { shape, format }, Follows::Nothing));
    let work = Work { layers: &layers, heads: Sequences { tokens, heads, causal }, width };
    if !every_way {
        gpu.choose(tune(gpu, &gpu.choices(), work).await?);
    }
    let choices = gpu.choices();
    for (product, _) in layers {
        let chosen = (!every_way).then_some(&choices);
        speed::product(gpu, product, tokens, chosen).await?.iter().for_each(&mut *told);
    }
    Ok(())
}
