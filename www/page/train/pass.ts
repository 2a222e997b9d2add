/** One thing done to every picture, one after another, so that memory does not grow with their number. */
import { asProblem } from "../../protocol.ts";
import type { Problem } from "../../protocol.ts";

export interface PassState {
  done: number;
  total: number;
  /** How many were known already. */
  known: number;
  failed: number;
  paused: boolean;
  /** Seconds; `null` while too little is known. */
  left: number | null;
}

export interface Work<T> {
  /** Does it to one; says whether there was anything to do. */
  each: (item: T, signal: AbortSignal) => Promise<{ known: boolean }>;
  /** One that failed alone; problems that are not the picture's own end the pass. */
  failed: (item: T, problem: Problem) => void;
  onState: (state: PassState) => void;
}

/** Codes that say the picture is at fault, not the detector, the disk or the device. */
const OF_THE_PICTURE = /^(picture-.*|worker-crashed|not-finite)$/;
/** Estimates look back at this many pictures. */
const WINDOW = 20;

export class Pass<T> {
  readonly #items: readonly T[];
  readonly #work: Work<T>;
  readonly #abort = new AbortController();
  #resume: (() => void) | null = null;
  #paused: Promise<void> | null = null;
  #done = 0;
  #known = 0;
  #failed = 0;
  readonly #times: number[] = [];

  constructor(items: readonly T[], work: Work<T>) {
    this.#items = items;
    this.#work = work;
  }

  /** Ends when all are done; throws `cancelled` after `cancel`. */
  async run(): Promise<void> {
    const { signal } = this.#abort;
    this.#tell();
    for (const item of this.#items) {
      await this.#paused;
      signal.throwIfAborted();
      const start = performance.now();
      try {
        const { known } = await this.#work.each(item, signal);
        if (known) this.#known += 1;
        else this.#time(performance.now() - start);
      } catch (thrown) {
        const problem = asProblem(thrown, "picture-unreadable");
        if (signal.aborted || !OF_THE_PICTURE.test(problem.code)) throw problem;
        this.#failed += 1;
        this.#work.failed(item, problem);
      }
      this.#done += 1;
      this.#tell();
    }
  }

  /** The picture under way is finished first. */
  pause(): void {
    this.#paused ??= new Promise((resolve) => (this.#resume = resolve));
    this.#tell();
  }

  resume(): void {
    this.#resume?.();
    this.#resume = null;
    this.#paused = null;
    this.#tell();
  }

  cancel(): void {
    this.#abort.abort();
    this.resume();
  }

  #time(ms: number): void {
    this.#times.push(ms);
    if (this.#times.length > WINDOW) this.#times.shift();
  }

  #tell(): void {
    const total = this.#items.length;
    const mean = this.#times.length < 3 ? null : this.#times.reduce((sum, ms) => sum + ms, 0) / this.#times.length;
    const left = mean === null ? null : ((total - this.#done) * mean) / 1000;
    this.#work.onState({ done: this.#done, total, known: this.#known, failed: this.#failed, paused: this.#paused !== null, left });
  }
}
