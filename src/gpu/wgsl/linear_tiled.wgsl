// y = x · Wᵀ, then what the epilogue says. Tiles of x and W go through workgroup memory, which is what a GPU likes.
//
//   x [rows, inputs]   W [outputs, inputs], as in the file   bias [outputs]   residual, y [rows, outputs]
//
// A workgroup computes R·Y rows × C·X columns of y, an invocation R × C of them in registers, Y and X apart. Along
// `inputs` it takes K4 vectors at a time; a line of a tile is one vector longer than that, so that neighbours read from
// different banks. Rows, columns and inputs beyond the edge are zero and are not stored; only `inputs` must be a multiple
// of 4. `weight4` and `scale` are in the file of W's number type.
//
// The sizes are no constants, because a software adapter compiles this for a second.
//
// Constants: X × Y invocations, R, C, K4.

struct Size { rows: u32, inputs4: u32, outputs: u32 } // inputs4 = inputs / 4
@group(0) @binding(0) var<uniform> size: Size;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<f32>; //? bias
@group(0) @binding(5) var<storage, read> residual: array<f32>; //? residual
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

const LINE = K4 + 1;
var<workgroup> tile_x: array<vec4f, R * Y * LINE>;
var<workgroup> tile_w: array<vec4f, C * X * LINE>;

@compute @workgroup_size(X, Y)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) lane: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let rows = size.rows;
    let inputs4 = size.inputs4;
    let outputs = size.outputs;
    let first_row = group.y * Y * R;
    let first_column = group.x * X * C;
    var sum_$r_$c = 0.0;
    for (var start = 0u; start < inputs4; start += K4) {
        for (var at = index; at < R * Y * K4; at += X * Y) {
            let row = first_row + at / K4;
            let k = start + at % K4;
            var value = vec4f();
            if row < rows && k < inputs4 { value = x[row * inputs4 + k]; }
            tile_x[at / K4 * LINE + at % K4] = value;
        }
        for (var at = index; at < C * X * K4; at += X * Y) {
            let column = first_column + at / K4;
            let k = start + at % K4;
            var value = vec4f();
            if column < outputs && k < inputs4 { value = weight4(column * inputs4 + k); }
            tile_w[at / K4 * LINE + at % K4] = value;
        }
        workgroupBarrier();
        for (var k = 0u; k < K4; k++) {
            let b_$c = tile_w[($c * X + lane.x) * LINE + k];
            let a_$r = tile_x[($r * Y + lane.y) * LINE + k];
            sum_$r_$c = fma(a_$r.x, b_$c.x, sum_$r_$c);
            sum_$r_$c = fma(a_$r.y, b_$c.y, sum_$r_$c);
            sum_$r_$c = fma(a_$r.z, b_$c.z, sum_$r_$c);
            sum_$r_$c = fma(a_$r.w, b_$c.w, sum_$r_$c);
        }
        workgroupBarrier();
    }
    let row_$r = first_row + $r * Y + lane.y;
    let column_$c = first_column + $c * X + lane.x;
    if row_$r < rows && column_$c < outputs { store(row_$r, column_$c, sum_$r_$c); }
}

fn store(row: u32, column: u32, sum: f32) {
    var value = sum * scale(column);
    value += bias[column]; //? bias
    // Below e⁸⁸: WGSL may take it that there are no infinities. //? quick_gelu
    value *= 1.0 / (1.0 + exp(min(-1.702 * value, 88.0))); //? quick_gelu
    value += residual[row * size.outputs + column]; //? residual
    y[row * size.outputs + column] = value;
}
