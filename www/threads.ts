/** Helpers for the CPU path: as many workers as there are other cores. They end with the worker that started them. */
import type { Helpers } from "./safelight.js";

export interface HelperInput {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

/** Threads in all: more share what one memory delivers. */
const MOST_THREADS = 8;
/** Milliseconds that a helper has to start, and to finish its part of a product, which takes some ten of them. */
const PATIENCE = { start: 3_000, product: 5_000 };

/** Whether this browser lets workers share a memory, and the device has another core. */
export function threadsOffered(): boolean {
  return self.crossOriginIsolated && navigator.hardwareConcurrency > 1;
}

/** Those that start in time; whoever does not is ended, and the others compute without it. */
export async function startHelpers(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Helpers> {
  const wanted = Math.min(navigator.hardwareConcurrency, MOST_THREADS) - 1;
  const input: HelperInput = { module, memory };
  const started = await Promise.all(Array.from({ length: wanted }, () => startHelper(input)));
  const helpers = started.filter((helper) => helper !== null);
  return {
    count: helpers.length,
    patience: PATIENCE.product,
    stop: () => {
      for (const helper of helpers) helper.terminate();
    },
  };
}

function startHelper(input: HelperInput): Promise<Worker | null> {
  return new Promise((resolve) => {
    const helper = new Worker(new URL("./helper.js", import.meta.url), { type: "module", name: "safelight helper" });
    const giveUp = (): void => {
      clearTimeout(timer);
      helper.terminate();
      resolve(null);
    };
    const timer = setTimeout(giveUp, PATIENCE.start);
    helper.onerror = giveUp;
    helper.onmessage = () => {
      clearTimeout(timer);
      resolve(helper);
    };
    try {
      helper.postMessage(input);
    } catch {
      giveUp(); // as one that does not start: the others would have nobody to end them
    }
  });
}
