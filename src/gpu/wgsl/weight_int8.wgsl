// Weights in int8, four in a word, the first in the lowest byte; value = integer · scale of its output channel.
// Shifts and not `unpack4xI8`, which not every browser's WGSL has.

@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;

fn weight4(index: u32) -> vec4f {
    let word = weight[index];
    return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24, 16, 8, 0)) >> vec4u(24));
}

fn scale(column: u32) -> f32 { return scales[column]; }
