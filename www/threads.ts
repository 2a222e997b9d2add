/**
 * Helpers for the CPU path: as many workers as there are other cores. The page starts them and ends them with this worker
 * (`helpers.ts`): a worker that starts one itself may, in Firefox behind a service worker, never return from doing so.
 */
import type { HelperInput, HelperNews, HelperOrder } from "./protocol.ts";
import type { Helpers } from "./safelight.js";

/** Threads in all: more share what one memory delivers. */
const MOST_THREADS = 8;
/** Milliseconds that a helper has to start, and to finish its part of a product, which takes some ten of them. */
const PATIENCE = { start: 5_000, product: 5_000 };

export class Threads {
  readonly #order: (order: HelperOrder) => void;
  /** Those that were asked for and have not answered. */
  readonly #starting = new Map<number, (ready: boolean) => void>();
  #last = 0;

  /** `order` reaches the page. */
  constructor(order: (order: HelperOrder) => void) {
    this.#order = order;
  }

  /** Whether this browser lets workers share a memory, and the device has another core. */
  get offered(): boolean {
    return self.crossOriginIsolated && navigator.hardwareConcurrency > 1;
  }

  /** Those that start in time; whoever does not is ended, and the others compute without it. */
  async start(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Helpers> {
    const wanted = Math.min(navigator.hardwareConcurrency, MOST_THREADS) - 1;
    const started = await Promise.all(Array.from({ length: wanted }, () => this.#startOne({ module, memory })));
    const helpers = started.filter((helper) => helper !== null);
    return {
      count: helpers.length,
      patience: PATIENCE.product,
      stop: () => {
        for (const helper of helpers) this.#order({ helper, begin: null });
      },
    };
  }

  /** What the page says of a helper. */
  hear({ helper, ready }: HelperNews): void {
    this.#starting.get(helper)?.(ready);
  }

  /** Its number, or `null`. */
  #startOne(begin: HelperInput): Promise<number | null> {
    this.#last += 1;
    const helper = this.#last;
    return new Promise((resolve) => {
      const settle = (ready: boolean): void => {
        clearTimeout(timer);
        this.#starting.delete(helper);
        if (!ready) this.#order({ helper, begin: null });
        resolve(ready ? helper : null);
      };
      const timer = setTimeout(() => settle(false), PATIENCE.start);
      this.#starting.set(helper, settle);
      try {
        this.#order({ helper, begin });
      } catch {
        settle(false); // as one that does not start: the others would have nobody to end them
      }
    });
  }
}
