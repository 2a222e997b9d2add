// What the device can read and write at most: a copy.
//
//   x, y [values / 4]
//
// Constants: LANES invocations.

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&x) { y[id.x] = x[id.x]; }
}
