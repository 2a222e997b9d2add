// Scaled dot-product attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): the scores are
// never written to memory.
//
//   qkv [n · tokens, 3 · HEADS · 4 · D]: query, key and value of a token side by side   out [n · tokens, HEADS · 4 · D]
//
// An invocation holds one query of one head and walks along the keys, all of a workgroup along the same ones.
// `largest` is the largest score so far, `total` the sum of exp(score − largest), `out_*` the sum of values so weighted.
//
// Constants: HEADS, D = vectors in a head, SCALE = 1 / √(head width), LANES invocations.

@group(0) @binding(0) var<uniform> tokens: u32;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

const WIDTH = HEADS * D;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    let query = group.x * LANES + lane.x;
    if query >= tokens { return; }
    let first = group.z * tokens * 3 * WIDTH + group.y * D;
    let at = first + query * 3 * WIDTH;
    let query_$d = qkv[at + $d] * SCALE;
    var out_$d = vec4f();
    var largest = -3.0e38;
    var total = 0.0;
    let keys = tokens; //? full
    let keys = query + 1; //? causal
    for (var key = 0u; key < keys; key++) {
        let k = first + key * 3 * WIDTH + WIDTH;
        var products = vec4f();
        products = fma(query_$d, qkv[k + $d], products);
        let score = products.x + products.y + products.z + products.w;
        let new_largest = max(largest, score);
        let keep = exp(largest - new_largest);
        let share = exp(score - new_largest);
        largest = new_largest;
        total = total * keep + share;
        out_$d = fma(vec4f(share), qkv[k + WIDTH + $d], out_$d * keep);
    }
    let y = (group.z * tokens + query) * WIDTH + group.y * D;
    out[y + $d] = out_$d / total;
}
