// Copies the rows that `chosen` names, one after another, to where `places` says.
//
//   x [rows of x, 4 · WIDTH4]   chosen [n]   y [n · places.y, 4 · WIDTH4]: row i goes to place i · places.y + places.z
//
// Constants: WIDTH4.

@group(0) @binding(0) var<uniform> places: vec4u; // n, stride, first
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> chosen: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let at = id.x;
    let row = id.y;
    if at >= WIDTH4 || row >= places.x { return; }
    y[(row * places.y + places.z) * WIDTH4 + at] = x[chosen[row] * WIDTH4 + at];
}
