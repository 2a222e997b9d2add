// The mean of each picture's patch tokens.
//
//   x [n · TOKENS, 4 · WIDTH4], of each picture the class token first   y [n, 4 · WIDTH4]
//
// An invocation sums four values of all patches; neighbours read neighbouring values.
//
// Constants: WIDTH4, TOKENS.

@group(0) @binding(0) var<uniform> pictures: u32;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let at = id.x;
    let picture = id.y;
    if at >= WIDTH4 || picture >= pictures { return; }
    let first = picture * TOKENS * WIDTH4 + at;
    var sum = vec4f();
    for (var token = 1u; token < TOKENS; token++) { sum += x[first + token * WIDTH4]; }
    y[picture * WIDTH4 + at] = sum / f32(TOKENS - 1);
}
