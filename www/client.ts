/**
 * What the page and the extension talk to: pictures in, verdicts out. It owns the worker, and replaces one that
 * crashes, loses its device or hangs; a picture that was under way then runs again, at last on the CPU.
 */
import { Connection } from "./connection.ts";
import type { WorkerLike } from "./connection.ts";
import { asProblem, Problem } from "./protocol.ts";
import type { Notice, Opened, OpenInput, Progress } from "./protocol.ts";
import type { DevicePreference, Verdict } from "./safelight.js";

export interface ClientOptions extends OpenInput {
  /** Starts a new worker; the default is `worker.js` beside the script. */
  startWorker?: () => WorkerLike;
  /** Called when a worker is being opened, is ready, or could not be opened; also for replacements. */
  onState?: (state: ClientState) => void;
  patience?: Partial<Patience>;
}

export type ClientState =
  | { phase: "opening"; progress: Progress | null }
  | { phase: "ready"; opened: Opened }
  | { phase: "failed"; problem: Problem };

/** Milliseconds that the client waits for a worker that says nothing. */
export interface Patience {
  /** After a polite request to stop. */
  cancel: number;
  /** Without any progress: longer than a software GPU takes for one block. */
  silence: number;
}

export interface CheckOptions {
  onProgress?: (progress: Progress) => void;
  /** Something went differently than hoped with this picture (its device was replaced). */
  onNotice?: (notice: Notice) => void;
  signal?: AbortSignal;
}

interface Job {
  picture: Blob;
  options: CheckOptions;
  resolve: (verdict: Verdict) => void;
  reject: (problem: Problem) => void;
}

const PATIENCE: Patience = { cancel: 2_000, silence: 300_000 };

/** Problems of the worker or its device rather than of the picture: a new worker may do better. */
const LOST = new Set(["worker-crashed", "device-failed"]);

export class Client {
  readonly #options: ClientOptions;
  readonly #patience: Patience;
  readonly #queue: Job[] = [];
  #busy = false;
  #closed = false;
  #preference: DevicePreference;
  #connection: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #opened: Opened | null = null;

  private constructor(options: ClientOptions) {
    this.#options = options;
    this.#preference = options.preference;
    this.#patience = { ...PATIENCE, ...options.patience };
  }

  /** Starts a worker and loads the model. `onProgress` counts its bytes. */
  static async open(options: ClientOptions, onProgress?: (progress: Progress) => void): Promise<Client> {
    const client = new Client(options);
    await client.#persist(async () => undefined, onProgress, () => undefined);
    return client;
  }

  /** What the last worker that opened said about itself; `null` before. */
  get opened(): Opened | null {
    return this.#opened;
  }

  /** Checks one picture; several wait for each other. Rejects with a `Problem`. */
  check(picture: Blob, options: CheckOptions = {}): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      const job: Job = { picture, options, resolve, reject };
      if (this.#closed || options.signal?.aborted) return reject(stopped());
      this.#queue.push(job);
      options.signal?.addEventListener("abort", () => this.#dequeue(job), { once: true });
      void this.#pump();
    });
  }

  /** Ends the worker; everything waiting or running fails with `cancelled`. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#queue.splice(0)) reject(stopped());
    this.#drop(stopped());
  }

  #dequeue(job: Job): void {
    const index = this.#queue.indexOf(job);
    if (index < 0) return; // it runs, and `#attempt` listens as well
    this.#queue.splice(index, 1);
    job.reject(stopped());
  }

  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      const { picture, options, resolve, reject } = job;
      const notify = (notice: Notice): void => options.onNotice?.(notice);
      await this.#persist((connection) => this.#attempt(connection, picture, options), undefined, notify, options.signal)
        .then(resolve, (thrown: unknown) => reject(asProblem(thrown, "worker-crashed")));
    }
    this.#busy = false;
    // A worker that was ended for a cancelled picture is replaced before the next one asks.
    if (this.#closed || (this.#opening !== null && !this.#connection?.ended)) return;
    this.#connect(this.#preference).catch((thrown: unknown) => this.#fail(asProblem(thrown, "worker-crashed")));
  }

  /** Does `work` on a worker; when that is lost, once more on a new one, then on a new one that uses the CPU. */
  async #persist<T>(
    work: (connection: Connection) => Promise<T>,
    onProgress: ((progress: Progress) => void) | undefined,
    notify: (notice: Notice) => void,
    signal?: AbortSignal,
  ): Promise<T> {
    const first = this.#preference;
    const ladder: DevicePreference[] = first === "cpu" ? ["cpu", "cpu"] : [first, first, "cpu"];
    for (let step = 0; ; step += 1) {
      const preference = ladder[step] ?? "cpu";
      try {
        const connection = await abortable(this.#connect(preference, onProgress), signal);
        const result = await work(connection);
        this.#preference = preference; // what worked is kept
        return result;
      } catch (thrown) {
        const problem = asProblem(thrown, "worker-crashed");
        const lost = LOST.has(problem.code);
        if (lost) this.#drop(problem);
        if (this.#closed || !lost || step + 1 === ladder.length) {
          if (this.#opening === null) this.#fail(problem);
          this.#preference = first; // even the CPU failed: the picture's fault, or something passing
          throw problem;
        }
        notify(ladder[step + 1] === first ? retried(problem) : replaced(problem));
      }
    }
  }

  #connect(preference: DevicePreference, onProgress?: (progress: Progress) => void): Promise<Connection> {
    const usable = this.#opening !== null && !this.#connection?.ended && preference === this.#preference;
    if (usable && this.#opening !== null) return this.#opening;
    this.#drop(stopped());
    this.#preference = preference;
    const opening = this.#openConnection(preference, onProgress);
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = null;
    });
    return opening;
  }

  async #openConnection(preference: DevicePreference, onProgress?: (progress: Progress) => void): Promise<Connection> {
    const { models, pack, head, headBytes = null, onState } = this.#options;
    onState?.({ phase: "opening", progress: null });
    const connection = new Connection((this.#options.startWorker ?? startWorker)());
    this.#connection = connection;
    try {
      const call = connection.call("open", { models, pack, head, headBytes, preference }, (progress) => {
        onProgress?.(progress);
        onState?.({ phase: "opening", progress });
      });
      const opened = await call.result;
      if (preference !== this.#options.preference) opened.notices.push(replaced());
      this.#opened = opened;
      onState?.({ phase: "ready", opened });
      return connection;
    } catch (thrown) {
      connection.end(asProblem(thrown, "worker-crashed"));
      throw thrown;
    }
  }

  /** One check on one worker: cancelled politely, then by force; given up after a long silence. */
  async #attempt(connection: Connection, picture: Blob, { onProgress, signal }: CheckOptions): Promise<Verdict> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const endAfter = (ms: number, problem: Problem): void => {
      clearTimeout(timer);
      timer = setTimeout(() => connection.end(problem), ms);
    };
    const silent = new Problem("device-failed", "The device gave no sign of life for minutes.");
    endAfter(this.#patience.silence, silent);
    const call = connection.call("check", { picture }, (progress) => {
      if (!signal?.aborted) endAfter(this.#patience.silence, silent);
      onProgress?.(progress);
    });
    const cancel = (): void => {
      connection.call("cancel", { call: call.id }).result.catch(() => undefined);
      endAfter(this.#patience.cancel, stopped());
    };
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      return await call.result;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }

  #fail(problem: Problem): void {
    if (!this.#closed && problem.code !== "cancelled") this.#options.onState?.({ phase: "failed", problem });
  }

  #drop(problem: Problem): void {
    this.#connection?.end(problem);
    this.#connection = null;
    this.#opening = null;
  }
}

function startWorker(): WorkerLike {
  try {
    return new Worker(new URL("worker.js", import.meta.url), { type: "module", name: "safelight" });
  } catch (thrown) {
    throw new Problem("browser-too-old", asProblem(thrown, "browser-too-old").message);
  }
}

function stopped(): Problem {
  return new Problem("cancelled", "Stopped.");
}

function retried({ message }: Problem): Notice {
  return { code: "device-retried", message: `The detector failed once and was started again. (${message})` };
}

function replaced(problem?: Problem): Notice {
  const words = problem === undefined ? "" : ` (${problem.message})`;
  return { code: "device-replaced", message: `The GPU failed twice, so the CPU is used from here on.${words}` };
}

/** Stops waiting when the signal says so; the work itself goes on for whoever needs it next. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(stopped());
    signal.addEventListener("abort", () => reject(stopped()), { once: true });
    work.then(resolve, reject);
  });
}
