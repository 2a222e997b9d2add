// What enters a tower: a picture's class token and patches, or a text's tokens, each with its position.
//
//   x [n · (tokens − 1), 4 · WIDTH4] patches, or [n · tokens, 4 · WIDTH4] of a text   class_token [4 · WIDTH4]
//   position [at least tokens, 4 · WIDTH4]   y [n · tokens, 4 · WIDTH4]
//
// Constants: WIDTH4.

@group(0) @binding(0) var<uniform> size: vec2u; // rows of y, tokens
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> class_token: array<vec4f>; //? picture
@group(0) @binding(3) var<storage, read> position: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let at = id.x;
    let row = id.y;
    if at >= WIDTH4 || row >= size.x { return; }
    let token = row % size.y;
    let value = x[row * WIDTH4 + at]; //? text
    var value = class_token[at]; //? picture
    if token > 0 { value = x[(row - row / size.y - 1) * WIDTH4 + at]; } //? picture
    y[row * WIDTH4 + at] = value + position[token * WIDTH4 + at];
}
