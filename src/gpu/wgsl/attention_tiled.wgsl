// Scaled dot-product attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): the scores are
// never written to memory. Keys and values go through workgroup memory, KEYS at a time.
//
//   qkv [n · tokens, 3 · HEADS · 4 · D]: query, key and value of a token side by side   out [n · tokens, HEADS · 4 · D]
//
// An invocation holds one query of one head. `largest` is the largest score so far, `total` the sum of
// exp(score − largest), `out_*` the sum of values so weighted.
//
// Constants: HEADS, D = vectors in a head, SCALE = 1 / √(head width), LANES invocations, KEYS in a tile.

@group(0) @binding(0) var<uniform> tokens: u32;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

const WIDTH = HEADS * D;
var<workgroup> tile_key: array<vec4f, KEYS * D>;
var<workgroup> tile_value: array<vec4f, KEYS * D>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    let query = group.x * LANES + lane.x;
    let first = group.z * tokens * 3 * WIDTH + group.y * D;
    // Invocations beyond the last query help to load, and store nothing.
    let at = first + min(query, tokens - 1) * 3 * WIDTH;
    let query_$d = qkv[at + $d] * SCALE;
    var out_$d = vec4f();
    var largest = -3.0e38;
    var total = 0.0;
    let keys = tokens; //? full
    let keys = min((group.x + 1) * LANES, tokens); //? causal
    for (var start = 0u; start < keys; start += KEYS) {
        for (var index = lane.x; index < KEYS * D; index += LANES) {
            let k = first + min(start + index / D, tokens - 1) * 3 * WIDTH + WIDTH + index % D;
            tile_key[index] = qkv[k];
            tile_value[index] = qkv[k + WIDTH];
        }
        workgroupBarrier();
        let here = min(KEYS, keys - start);
        for (var key = 0u; key < here; key++) {
            var products = vec4f();
            products = fma(query_$d, tile_key[key * D + $d], products);
            let score = products.x + products.y + products.z + products.w; //? full
            // A key after the query: its share is exactly 0, because the first key, which everybody sees, came before. //? causal
            let score = select(-3.0e38, products.x + products.y + products.z + products.w, start + key <= query); //? causal
            let new_largest = max(largest, score);
            let keep = exp(largest - new_largest);
            let share = exp(score - new_largest);
            largest = new_largest;
            total = total * keep + share;
            out_$d = fma(vec4f(share), tile_value[key * D + $d], out_$d * keep);
        }
        workgroupBarrier();
    }
    let y = (group.z * tokens + query) * WIDTH + group.y * D;
    if query < tokens { out[y + $d] = out_$d / total; }
}
