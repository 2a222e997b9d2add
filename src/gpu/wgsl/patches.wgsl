// Cuts pictures into patches, each channel first: the order of the convolution's weights, whose stride equals its
// kernel, so that the patch embedding is one product.
//
//   pixels [n, 3, SIDE, SIDE]   y [n · (SIDE / PATCH)², 3 · PATCH · PATCH]
//
// Constants: SIDE, PATCH.

@group(0) @binding(0) var<uniform> pictures: u32;
@group(0) @binding(1) var<storage, read> pixels: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const GRID = SIDE / PATCH;
const VALUES = 3 * PATCH * PATCH;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let value = id.x;
    let patch_index = id.y;
    if value >= VALUES { return; }
    let picture = patch_index / (GRID * GRID);
    let place = patch_index % (GRID * GRID);
    let channel = value / (PATCH * PATCH);
    let row = place / GRID * PATCH + value / PATCH % PATCH;
    let column = place % GRID * PATCH + value % PATCH;
    if picture < pictures {
        y[patch_index * VALUES + value] = pixels[((picture * 3 + channel) * SIDE + row) * SIDE + column];
    }
}
