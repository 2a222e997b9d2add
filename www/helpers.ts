/** The page's side of the model's threads: starts and ends helpers as their worker asks, and all of them when that ends. */
import type { HelperNews, HelperOrder } from "./protocol.ts";

export class Helpers {
  readonly #tell: (news: HelperNews) => void;
  readonly #running = new Map<number, Worker>();

  /** `tell` reaches the model's worker. */
  constructor(tell: (news: HelperNews) => void) {
    this.#tell = tell;
  }

  obey({ helper, begin }: HelperOrder): void {
    if (begin === null) return this.#end(helper);
    const failed = (): void => {
      this.#end(helper);
      this.#tell({ helper, ready: false });
    };
    try {
      const worker = new Worker(new URL("helper.js", import.meta.url), { type: "module", name: "safelight helper" });
      this.#running.set(helper, worker);
      worker.onerror = failed;
      worker.onmessage = () => this.#tell({ helper, ready: true });
      worker.postMessage(begin);
    } catch {
      failed();
    }
  }

  endAll(): void {
    for (const helper of [...this.#running.keys()]) this.#end(helper);
  }

  #end(helper: number): void {
    this.#running.get(helper)?.terminate();
    this.#running.delete(helper);
  }
}
