// Layer norm over the last axis, reading each value once.
//
//   x, y [rows, 4 · WIDTH4]   weight, bias [4 · WIDTH4]
//
// A workgroup of LANES invocations takes one row; each holds V vectors of it in registers, so that the variance is that
// of the differences to the mean: E[x²] − E[x]² loses digits where the mean is large.
//
// Constants: WIDTH4, LANES, V = ⌈WIDTH4 / LANES⌉, EPSILON.

@group(0) @binding(0) var<uniform> rows: u32;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

var<workgroup> parts: array<f32, LANES>;

/// The sum of `part` over the workgroup.
fn total(part: f32, lane: u32) -> f32 {
    parts[lane] = part;
    for (var half = LANES / 2; half > 0; half /= 2) {
        workgroupBarrier();
        if lane < half { parts[lane] += parts[lane + half]; }
    }
    workgroupBarrier();
    let sum = parts[0];
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    let row = group.x;
    if row >= rows { return; }
    let first = row * WIDTH4;
    let at_$v = lane.x + $v * LANES;
    let inside_$v = f32(at_$v < WIDTH4);
    let x_$v = x[first + min(at_$v, WIDTH4 - 1)];
    var sum = 0.0;
    sum += inside_$v * dot(x_$v, vec4f(1.0));
    let mean = total(sum, lane.x) / f32(4 * WIDTH4);
    let d_$v = x_$v - mean;
    var squares = 0.0;
    squares += inside_$v * dot(d_$v, d_$v);
    let scale = inverseSqrt(total(squares, lane.x) / f32(4 * WIDTH4) + EPSILON);
    if at_$v < WIDTH4 { y[first + at_$v] = d_$v * scale * weight[at_$v] + bias[at_$v]; }
}
