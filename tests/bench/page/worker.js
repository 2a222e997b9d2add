// The same steps for both peers: open a model, prepare the pixels once, run them and say how long it took.
import { keep } from "./kept.js";
import { clipPixels } from "./pixels.js";

let toKeep; // what the next visit will find in the browser: () → the argument of `keep`
let run; // pixels [n, 3, side, side] → embeddings [n, projection]
let pixels;

const calls = {
  /**
   * `peer` names a module beside this one; `model` is one of tests/bench/models.mjs; `device` is `webgpu` or `cpu`, which computes
   * on `threads`. Tells where it computes, in words.
   */
  async open({ peer, model, device, threads }) {
    const opened = await (await import(`./${peer}.js`)).open(device, threads, model);
    ({ run, toKeep } = opened);
    return opened.where;
  },

  async keep() {
    await keep(toKeep());
  },

  /** Decodes pictures outside of what is timed; both peers are given the same numbers, which the checksum shows. */
  async prepare({ pictures }) {
    pixels = await clipPixels(pictures);
    const digest = await crypto.subtle.digest("SHA-256", pixels);
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  },

  async run() {
    const start = performance.now();
    const embeddings = await run(pixels);
    return { ms: performance.now() - start, embeddings: [...embeddings] };
  },
};

addEventListener("message", async ({ data: { id, kind, input } }) => {
  try {
    postMessage({ id, result: await calls[kind](input) });
  } catch (error) {
    postMessage({ id, error: error?.message ?? String(error) });
  }
});
addEventListener("unhandledrejection", ({ reason }) => {
  throw reason; // reaches the page as an error: a panic in wasm settles no promise
});
