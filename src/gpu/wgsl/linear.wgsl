// y = x · Wᵀ, then what the epilogue says. Register tiles: no workgroup memory, no barriers.
//
//   x [rows, inputs]   W [outputs, inputs], as in the file   bias [outputs]   residual, y [rows, outputs]
//
// An invocation computes R rows × C columns of y and holds them in registers. Its columns lie X apart, so that
// neighbours write side by side. Rows and columns beyond the edge repeat the last one and are not stored; only `inputs`
// must be a multiple of 4. `weight4` and `scale` are in the file of W's number type.
//
// The sizes are no constants, because a software adapter compiles this for a second.
//
// Constants: X × Y invocations, R, C.

struct Size { rows: u32, inputs4: u32, outputs: u32 } // inputs4 = inputs / 4
@group(0) @binding(0) var<uniform> size: Size;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<f32>; //? bias
@group(0) @binding(5) var<storage, read> residual: array<f32>; //? residual
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(X, Y)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    let rows = size.rows;
    let inputs4 = size.inputs4;
    let outputs = size.outputs;
    let row = (group.y * Y + lane.y) * R;
    if row >= rows { return; }
    let row_$r = row + $r;
    let column_$c = group.x * X * C + $c * X + lane.x;
    let x_$r = min(row_$r, rows - 1) * inputs4;
    let w_$c = min(column_$c, outputs - 1) * inputs4;
    var sum_$r_$c = 0.0;
    for (var k = 0u; k < inputs4; k++) {
        let b_$c = weight4(w_$c + k);
        let a_$r = x[x_$r + k];
        sum_$r_$c = fma(a_$r.x, b_$c.x, sum_$r_$c);
        sum_$r_$c = fma(a_$r.y, b_$c.y, sum_$r_$c);
        sum_$r_$c = fma(a_$r.z, b_$c.z, sum_$r_$c);
        sum_$r_$c = fma(a_$r.w, b_$c.w, sum_$r_$c);
    }
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
