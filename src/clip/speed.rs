//! How fast each kernel of a tower runs on a GPU beside what the GPU can do, for the bench.

use super::config::BlockShape;
use crate::device::Device;
use crate::gpu::attention::Sequences;
use crate::gpu::speed;
pub use crate::gpu::speed::{Amount, Rate};
use crate::gpu::tuning::{Follows, Tuned, Work, tune};
use crate::gpu::weight::{Format, Product};
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
    let tuned = device.gpu().ok_or(Error::GpuUnavailable { reason: "the CPU was asked for".to_owned() })?;
    let gpu = &tuned.context;
    told(&speed::multiply_adds(gpu).await?);
    told(&speed::copy(gpu).await?);
    let [image, text] = model.blocks();
    for format in [Format::F32, Format::Int8, Format::F16] {
        products(&tuned, image, format, every_way, told).await?;
    }
    for BlockShape { tokens, width, heads, causal, .. } in [image, text] {
        let heads = Sequences { tokens, heads, causal };
        if !every_way {
            tuned.renew();
            tune(&tuned, Work { layers: &[], heads, width }).await?;
        }
        let choices = tuned.choices();
        let chosen = (!every_way).then_some(&choices);
        speed::attend(gpu, heads, width, chosen).await?.iter().for_each(&mut *told);
    }
    told(&speed::norm(gpu, image.tokens, image.width).await?);
    Ok(())
}

async fn products(
    tuned: &Tuned,
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
        tuned.renew();
        tune(tuned, work).await?;
    }
    let choices = tuned.choices();
    for (product, _) in layers {
        let chosen = (!every_way).then_some(&choices);
        speed::product(&tuned.context, product, tokens, chosen).await?.iter().for_each(&mut *told);
    }
    Ok(())
}
