/** One worker, seen from the page: matches replies to calls, and fails them all at once when the worker dies. */
import { Helpers } from "./helpers.ts";
import { Problem } from "./protocol.ts";
import type { Calls, FromWorker, Kind, Progress, Reply, Request, ToWorker } from "./protocol.ts";

/** The part of `Worker` that is used; tests put their own in its place. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
}

export interface Call<K extends Kind> {
  id: number;
  result: Promise<Calls[K]["result"]>;
}

interface Pending {
  resolve: (result: never) => void;
  reject: (problem: Problem) => void;
  onProgress: ((progress: Progress) => void) | undefined;
}

export class Connection {
  readonly #worker: WorkerLike;
  readonly #helpers = new Helpers((news) => this.#send(news));
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #ended: Problem | null = null;

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => {
      if (!("helper" in data)) this.#receive(data);
      else if (!this.ended) this.#helpers.obey(data); // an order that was under way would leave an orphan
    };
    worker.onmessageerror = () => this.end(new Problem("worker-crashed", "A message could not be read."));
    worker.onerror = ({ message }) =>
      // A script that fails to load raises an event without a message.
      this.end(message ? new Problem("worker-crashed", message) : new Problem("network", "The worker could not be loaded."));
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  call<K extends Kind>(kind: K, input: Calls[K]["input"], onProgress?: (progress: Progress) => void): Call<K> {
    this.#last += 1;
    const id = this.#last;
    const result = new Promise<Calls[K]["result"]>((resolve, reject) => {
      if (this.#ended !== null) return reject(this.#ended);
      this.#pending.set(id, { resolve, reject, onProgress });
      this.#send({ id, kind, input } as Request);
    });
    return { id, result };
  }

  /** Ends the worker, also one that hangs; its calls fail with `problem`. */
  end(problem: Problem): void {
    if (this.#ended !== null) return;
    this.#ended = problem;
    this.#worker.terminate();
    this.#helpers.endAll();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(problem);
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    if ("progress" in reply) {
      pending.onProgress?.(reply.progress);
      return;
    }
    this.#pending.delete(reply.id);
    if ("error" in reply) pending.reject(new Problem(reply.error.code, reply.error.message));
    else pending.resolve(reply.result as never);
  }
}
