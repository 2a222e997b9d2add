// What the device can multiply and add at most: nothing but fused multiply-adds in registers.
//
//   out [invocations]
//
// An invocation holds N vectors and multiplies and adds each of them LOOPS times; they do not wait for each other.
//
// Constants: N vectors, LOOPS, LANES invocations.

@group(0) @binding(0) var<uniform> factor: vec4u; // two floats' bits: no compiler can know the results
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let a = vec4f(bitcast<f32>(factor.x));
    let b = vec4f(bitcast<f32>(factor.y));
    var sum_$n = vec4f(f32(id.x + $n));
    for (var loop_ = 0u; loop_ < LOOPS; loop_++) {
        sum_$n = fma(sum_$n, a, b);
        sum_$n = fma(sum_$n, a, b);
    }
    var total = vec4f();
    total += sum_$n;
    out[id.x] = total.x + total.y + total.z + total.w;
}
