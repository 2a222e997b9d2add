//! What is done to rows besides products and attention: norm, patches, tokens, means, gathering.

use super::context::{Bindings, Context};
use super::matrix::Matrix;
use super::source::Source;

/// Invocations along a row.
const LANES: usize = 64;

/// ε of every layer norm of CLIP.
const EPSILON: f32 = 1e-5;

/// Layer norm over each row: `[rows, width]` → the same; `weight` and `bias` `[width]`.
pub fn layer_norm(gpu: &Context, x: &Matrix, weight: &wgpu::Buffer, bias: &wgpu::Buffer) -> Matrix {
    let vectors = x.width / 4;
    let pipeline = gpu.pipeline(&format!("layer norm {}", x.width), || {
        let source = Source::default().size("WIDTH4", vectors).size("LANES", LANES).float("EPSILON", EPSILON);
        source.repeat('v', vectors.div_ceil(LANES)).expand(&[include_str!("wgsl/layer_norm.wgsl")])
    });
    let y = gpu.matrix(x.rows, x.width);
    let rows = gpu.uniform([x.rows, 0, 0, 0]);
    let data = [(0, &rows), (1, x.buffer.buffer()), (2, weight), (3, bias), (4, y.buffer.buffer())];
    gpu.record(&pipeline, &data, [x.rows, 1, 1]);
    y
}

/// Cuts pictures into patches: `[n, 3 · side · side]` → `[n · (side / patch)², 3 · patch · patch]`.
pub fn patches(gpu: &Context, pixels: &Matrix, side: usize, patch: usize) -> Matrix {
    let pipeline = gpu.pipeline(&format!("patches {side} {patch}"), || {
        Source::default().size("SIDE", side).size("PATCH", patch).expand(&[include_str!("wgsl/patches.wgsl")])
    });
    let y = gpu.matrix(pixels.rows * (side / patch).pow(2), 3 * patch * patch);
    let pictures = gpu.uniform([pixels.rows, 0, 0, 0]);
    let data = [(0, &pictures), (1, pixels.buffer.buffer()), (2, y.buffer.buffer())];
    gpu.record(&pipeline, &data, [y.width.div_ceil(LANES), y.rows, 1]);
    y
}

/// The class token before each picture's patches, with positions: `[n · (tokens − 1), width]` →
/// `[n · tokens, width]`; `class` `[width]`, `position` `[tokens, width]`.
pub fn tokens(gpu: &Context, patches: &Matrix, class: &wgpu::Buffer, position: &wgpu::Buffer, tokens: usize) -> Matrix {
    let y = gpu.matrix(patches.rows / (tokens - 1) * tokens, patches.width);
    place(gpu, "picture", &[(1, patches.buffer.buffer()), (2, class), (3, position)], &y, tokens);
    y
}

/// A text's tokens with positions: `[n · tokens, width]` → the same; `position` `[at least tokens, width]`.
pub fn positions(gpu: &Context, x: &Matrix, position: &wgpu::Buffer, tokens: usize) -> Matrix {
    let y = gpu.matrix(x.rows, x.width);
    place(gpu, "text", &[(1, x.buffer.buffer()), (3, position)], &y, tokens);
    y
}

fn place(gpu: &Context, what: &'static str, data: Bindings<'_>, y: &Matrix, tokens: usize) {
    let vectors = y.width / 4;
    let pipeline = gpu.pipeline(&format!("{what} tokens {}", y.width), || {
        Source::default().size("WIDTH4", vectors).keep(what).expand(&[include_str!("wgsl/tokens.wgsl")])
    });
    let size = gpu.uniform([y.rows, tokens, 0, 0]);
    let data = [&[(0, &size), (4, y.buffer.buffer())], data].concat();
    gpu.record(&pipeline, &data, [vectors.div_ceil(LANES), y.rows, 1]);
}

/// The mean of each picture's patch tokens, which follow its class token: `[n · tokens, width]` → `[n, width]`.
pub fn patch_means(gpu: &Context, x: &Matrix, tokens: usize) -> Matrix {
    let vectors = x.width / 4;
    let pipeline = gpu.pipeline(&format!("patch means {tokens} {}", x.width), || {
        Source::default()
            .size("WIDTH4", vectors)
            .size("TOKENS", tokens)
            .expand(&[include_str!("wgsl/patch_means.wgsl")])
    });
    let y = gpu.matrix(x.rows / tokens, x.width);
    let pictures = gpu.uniform([y.rows, 0, 0, 0]);
    let data = [(0, &pictures), (1, x.buffer.buffer()), (2, y.buffer.buffer())];
    gpu.record(&pipeline, &data, [vectors.div_ceil(LANES), y.rows, 1]);
    y
}

/// Copies the rows of `x` that `from` names into `y`: the i-th becomes row `i · stride + first`.
pub fn gather(gpu: &Context, x: &Matrix, from: &[usize], y: &Matrix, stride: usize, first: usize) {
    let pipeline = gpu.pipeline(&format!("gather {}", x.width), || {
        Source::default().size("WIDTH4", x.width / 4).expand(&[include_str!("wgsl/gather.wgsl")])
    });
    let places = gpu.uniform([from.len(), stride, first, 0]);
    let rows = gpu.indices(from);
    let data = [(0, &places), (1, x.buffer.buffer()), (2, &rows), (3, y.buffer.buffer())];
    gpu.record(&pipeline, &data, [(x.width / 4).div_ceil(LANES), from.len(), 1]);
}
