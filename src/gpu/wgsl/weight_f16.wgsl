// Weights in float16, two in a word. Unpacking them is in WGSL's core: the device need not compute in float16.

@group(0) @binding(2) var<storage, read> weight: array<vec2u>;

fn weight4(index: u32) -> vec4f {
    let words = weight[index];
    return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn scale(column: u32) -> f32 { return 1.0; }
