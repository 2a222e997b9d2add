/** A helper of the model's worker: it runs the kernels' module in the memory that all share, and nothing else. */
import type { HelperInput } from "./protocol.ts";

declare const self: DedicatedWorkerGlobalScope;

self.addEventListener("message", ({ data: { module, memory } }: MessageEvent<HelperInput>) => {
  const { help } = new WebAssembly.Instance(module, { env: { memory } }).exports as { help: () => void };
  self.postMessage("ready");
  help(); // sleeps and computes until this worker is ended
});
