/** Pictures that wait for their turn: checked one after another by whichever detector is open. */
import type { Client } from "./client.ts";
import { asProblem, Problem } from "./protocol.ts";
import type { Notice, Progress } from "./protocol.ts";
import type { HeadFigures, OperatingPoint, Verdict } from "./safelight.js";

/** How far a picture has come; each state brings what showing it needs. */
export type CheckState =
  | { name: "waiting"; modelReady: boolean }
  | { name: "reading" }
  | { name: "checking"; progress: Progress }
  | { name: "done"; verdict: Verdict; figures: HeadFigures | null; operatingPoints: OperatingPoint[]; notice: Notice | null }
  | { name: "failed"; problem: Problem };

/** What can stand in line. */
export interface Waiter {
  picture: Blob;
  /** What goes with the picture, where the head reads captions. */
  caption: string | null;
  /** Present while the picture is waiting or being checked. */
  abort: AbortController | null;
}

export class Line<W extends Waiter> {
  readonly #show: (waiter: W, state: CheckState) => void;
  readonly #waiting: W[] = [];
  #client: Client | null = null;
  #busy = false;
  /** The detector has begun with the one that is being checked. */
  #begun = false;

  constructor(show: (waiter: W, state: CheckState) => void) {
    this.#show = show;
  }

  /** Whether a picture waits or is being checked. */
  get busy(): boolean {
    return this.#busy || this.#waiting.length > 0;
  }

  /** Uses this detector from now on; `null` while there is none. Nothing that waits is lost. */
  use(client: Client | null): void {
    this.#client = client;
    for (const waiter of this.#waiting) this.#show(waiter, { name: "waiting", modelReady: client !== null });
    void this.#work();
  }

  join(waiter: W): void {
    waiter.abort = new AbortController();
    this.#waiting.push(waiter);
    this.#show(waiter, { name: "waiting", modelReady: this.#client !== null });
    if (this.#waiting.length === 1) this.#expect();
    void this.#work();
  }

  leave(waiter: W): void {
    waiter.abort?.abort();
    const index = this.#waiting.indexOf(waiter);
    if (index < 0) return; // running: `#check` hears of it
    this.#waiting.splice(index, 1);
    if (index === 0) this.#expect();
    waiter.abort = null;
    this.#show(waiter, { name: "failed", problem: new Problem("cancelled", "Stopped.") });
  }

  /** While one is checked, tells the detector which comes next; not before it has taken up the one that was said before. */
  #expect(): void {
    if (this.#begun) this.#client?.expect(this.#waiting[0]?.picture ?? null);
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#client !== null) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) break;
      await this.#check(waiter, this.#client);
    }
    this.#busy = false;
    this.#begun = false;
  }

  async #check(waiter: W, client: Client): Promise<void> {
    const signal = (waiter.abort ??= new AbortController()).signal;
    let notice: Notice | null = null;
    this.#begun = false;
    this.#show(waiter, { name: "reading" });
    try {
      const verdict = await client.check(waiter.picture, {
        caption: waiter.caption,
        signal,
        onProgress: (progress) => {
          if (progress.stage === "check" && !this.#begun) {
            this.#begun = true;
            this.#expect();
          }
          this.#show(waiter, { name: "checking", progress });
        },
        onNotice: (given) => {
          notice = given;
          this.#show(waiter, { name: "reading" });
        },
      });
      waiter.abort = null;
      const { figures, operatingPoints } = client.opened?.info.head ?? { figures: null, operatingPoints: [] };
      this.#show(waiter, { name: "done", verdict, figures, operatingPoints, notice });
    } catch (thrown) {
      const problem = asProblem(thrown, "worker-crashed");
      if (problem.code === "cancelled" && !signal.aborted) {
        // The detector was exchanged under it: first in line for the next one.
        this.#waiting.unshift(waiter);
        this.#show(waiter, { name: "waiting", modelReady: this.#client !== null });
        return;
      }
      waiter.abort = null;
      this.#show(waiter, { name: "failed", problem });
    }
  }
}
