/** A module of wasm-bindgen's that is imported once more, under an address that has not failed yet. */
declare module "*?again=1";
declare module "*?again=2";
