// Scaled dot-product attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): the scores are
// never written to memory.
//
//   qkv [n · tokens, 3 · HEADS · 4 · D]: query, key and value of a token side by side   out [n · tokens, HEADS · 4 · D]
//
// An invocation holds Q queries of one head, LANES apart, and walks along the keys, all of a workgroup along the same
// ones. `largest` is the largest score so far, `total` the sum of exp(score − largest), `out_*` the sum of values so
// weighted.
//
// Constants: HEADS, D = vectors in a head, SCALE = 1 / √(head width), LANES invocations, Q.

@group(0) @binding(0) var<uniform> tokens: u32;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

const WIDTH = HEADS * D;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    let query_$q = group.x * LANES * Q + $q * LANES + lane.x;
    if query_0 >= tokens { return; }
    let first = group.z * tokens * 3 * WIDTH + group.y * D;
    // Queries beyond the last one repeat it and are not stored.
    let at_$q = first + min(query_$q, tokens - 1) * 3 * WIDTH;
    let query_$q_$d = qkv[at_$q + $d] * SCALE;
    var out_$q_$d = vec4f();
    var largest_$q = -3.0e38;
    var total_$q = 0.0;
    let keys = tokens; //? full
    let keys = min(query_0 + (Q - 1) * LANES + 1, tokens); //? causal
    for (var key = 0u; key < keys; key++) {
        let k = first + key * 3 * WIDTH + WIDTH;
        let key_$d = qkv[k + $d];
        var products_$q = vec4f();
        products_$q = fma(query_$q_$d, key_$d, products_$q);
        let score_$q = products_$q.x + products_$q.y + products_$q.z + products_$q.w; //? full
        // A key after the query: its share is exactly 0, because the first key, which everybody sees, came before. //? causal
        let score_$q = select(-3.0e38, products_$q.x + products_$q.y + products_$q.z + products_$q.w, key <= query_$q); //? causal
        let new_largest_$q = max(largest_$q, score_$q);
        let keep_$q = exp(largest_$q - new_largest_$q);
        let share_$q = exp(score_$q - new_largest_$q);
        largest_$q = new_largest_$q;
        total_$q = total_$q * keep_$q + share_$q;
        let value_$d = qkv[k + WIDTH + $d];
        out_$q_$d = fma(vec4f(share_$q), value_$d, out_$q_$d * keep_$q);
    }
    let y_$q = (group.z * tokens + query_$q) * WIDTH + group.y * D;
    if query_$q < tokens { out[y_$q + $d] = out_$q_$d / total_$q; }
}
