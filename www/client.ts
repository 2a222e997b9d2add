/**
 * What the page and the extension talk to: pictures in, verdicts out. It owns the worker, and replaces one that
 * crashes, loses its device or hangs; a picture that was under way then runs again, at last on the CPU.
 */
import { attempt, PATIENCE, replaced, retried, startWorker, THREADS_LOST } from "./attempt.ts";
import type { CallOptions, Patience } from "./attempt.ts";
import { abortable, stopped } from "./cancel.ts";
import { Connection } from "./connection.ts";
import type { WorkerLike } from "./connection.ts";
import { asProblem, Problem } from "./protocol.ts";
import type { Calls, Kind, ModelKind, Notice, Opened, OpenInput, Progress } from "./protocol.ts";
import type { DetectorInfo, DevicePreference, Verdict } from "./safelight.js";

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

export interface CheckOptions extends CallOptions {
  caption?: string | null;
}

/** A training that runs. */
export interface Training {
  result: Promise<Calls["train"]["result"]>;
  /** Ends the present stage with the epoch under way, and every later one after as many. */
  shorten(): void;
}

/** What can be asked for beside `open`, which is the client's own business, and what is urgent. */
type Asked = Exclude<Kind, "open" | "cancel" | "shorten" | ModelKind>;

type Result<K extends Kind> = Calls[K]["result"];

interface Job {
  run: () => Promise<void>;
  stop: () => void;
}

/** Problems of the worker or its device rather than of the picture: a new worker may do better. */
const LOST = new Set(["worker-crashed", "device-failed"]);
/** Workers that may be lost under a call that has no part in it: one picture takes three along. */
const MOST_LOST = 4;

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

  /** Checks one picture, with its caption where the head reads captions; several wait for each other. Rejects with a `Problem`. */
  async check(picture: Blob, { caption = null, ...options }: CheckOptions = {}): Promise<Verdict> {
    const verdict = await this.call("check", { picture, caption }, options);
    if (this.#opened !== null && verdict.device.name !== this.#opened.info.device.name) {
      const { info, notices } = this.#opened;
      this.#tell({ info: { ...info, device: verdict.device }, notices: [...notices, THREADS_LOST] });
    }
    if (verdict.caption === "used" && this.#opened !== null && !this.#opened.info.pack.tokenizer) {
      const { info } = this.#opened;
      this.#tell({ ...this.#opened, info: { ...info, pack: { ...info.pack, tokenizer: true } } });
    }
    return verdict;
  }

  /**
   * What will probably be checked next (`null`: nothing), so that the worker may make it ready while the GPU works. A hint
   * only: it is not told again to a worker that replaces this one, lest a picture that kills workers take others along.
   */
  expect(picture: Blob | null): void {
    if (this.#opened === null || this.#connection === null || this.#connection.ended) return;
    this.#connection.call("expect", { picture }).result.catch(() => undefined);
  }

  /** Uses a head that this browser keeps (by SHA-256) from now on, or again the site's (`null`). */
  async useHead(head: string | null): Promise<DetectorInfo> {
    const info = await this.call("useHead", { head });
    this.#options.storedHead = head;
    if (this.#opened !== null) this.#tell({ ...this.#opened, info });
    return info;
  }

  /** Something of what is open has changed. */
  #tell(opened: Opened): void {
    this.#opened = opened;
    this.#options.onState?.({ phase: "ready", opened });
  }

  /** Trains beside the queue: checks come between epochs. A lost worker goes on from the last kept epoch. */
  train(input: Calls["train"]["input"], options: CallOptions = {}): Training {
    let running: { connection: Connection; id: number } | null = null;
    const work = (connection: Connection): Promise<Result<"train">> =>
      attempt(connection, this.#patience, "train", input, options, (id) => (running = { connection, id }));
    return {
      result: this.#persist(work, undefined, (notice) => options.onNotice?.(notice), options.signal),
      shorten: () => {
        if (running !== null) running.connection.call("shorten", { call: running.id }).result.catch(() => undefined);
      },
    };
  }

  /**
   * About added models, beside the queue: checks go on meanwhile. It uses no device, so its failure replaces none; where
   * a check takes the worker along, it runs again on the next one, and an addition goes on from what is kept.
   */
  async models<K extends ModelKind>(kind: K, input: Calls[K]["input"], options: CallOptions = {}): Promise<Result<K>> {
    for (let left = MOST_LOST; ; left -= 1) {
      // Only opening a worker takes the steps down to the CPU.
      const connection = await this.#persist(async (opened) => opened, undefined, () => undefined, options.signal);
      try {
        return await attempt(connection, this.#patience, kind, input, options);
      } catch (thrown) {
        const problem = asProblem(thrown, "model-failed");
        const broken = problem.code === "model-crashed";
        if ((broken || LOST.has(problem.code)) && this.#connection === connection) this.#replace(new Problem("worker-crashed", problem.message));
        if (broken || left === 0 || this.#closed || !LOST.has(problem.code)) throw problem;
      }
    }
  }

  /** Any other call; they wait for each other. Rejects with a `Problem`. */
  call<K extends Asked>(kind: K, input: Calls[K]["input"], options: CallOptions = {}): Promise<Result<K>> {
    return new Promise((resolve, reject) => {
      const work = (connection: Connection): Promise<Result<K>> => attempt(connection, this.#patience, kind, input, options);
      const job: Job = {
        run: () =>
          this.#persist(work, undefined, (notice) => options.onNotice?.(notice), options.signal)
            .then(resolve, (thrown: unknown) => reject(asProblem(thrown, "worker-crashed"))),
        stop: () => reject(stopped()),
      };
      if (this.#closed || options.signal?.aborted) return job.stop();
      this.#queue.push(job);
      options.signal?.addEventListener("abort", () => this.#dequeue(job), { once: true });
      void this.#pump();
    });
  }

  /** Ends the worker; everything waiting or running fails with `cancelled`. */
  close(): void {
    this.#closed = true;
    for (const { stop } of this.#queue.splice(0)) stop();
    this.#drop(stopped());
  }

  #dequeue(job: Job): void {
    const index = this.#queue.indexOf(job);
    if (index < 0) return; // it runs, and `attempt` listens as well
    this.#queue.splice(index, 1);
    job.stop();
  }

  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) await job.run();
    this.#busy = false;
    // A worker that was ended for a cancelled picture is replaced before the next one asks.
    if (this.#opening === null || this.#connection?.ended) this.#reopen();
  }

  #reopen(): void {
    if (!this.#closed) this.#connect(this.#preference).catch((thrown: unknown) => this.#fail(asProblem(thrown, "worker-crashed")));
  }

  /** Ends the worker for `problem`, and starts another on the same device. */
  #replace(problem: Problem): void {
    this.#drop(problem);
    this.#reopen();
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
    let preference = first;
    for (let step = 0; ; step += 1) {
      let connection: Connection | null = null;
      try {
        connection = await abortable(this.#connect(preference, onProgress), signal);
        const result = await work(connection);
        this.#preference = preference; // what worked is kept
        return result;
      } catch (thrown) {
        const problem = asProblem(thrown, "worker-crashed");
        const lost = LOST.has(problem.code);
        const successor = this.#connection !== connection && this.#connection?.ended === false;
        if (lost && !successor) this.#drop(problem);
        if (this.#closed || !lost || step + 1 === ladder.length) {
          if (this.#opening === null) this.#fail(problem);
          this.#preference = first; // even the CPU failed: the picture's fault, or something passing
          throw problem;
        }
        // Another call may have replaced the worker already.
        preference = successor ? this.#preference : (ladder[step + 1] ?? "cpu");
        notify(preference === first ? retried(problem) : replaced(problem));
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
    const { models, pack, head, storedPack, storedHead, onState } = this.#options;
    onState?.({ phase: "opening", progress: null });
    const connection = new Connection((this.#options.startWorker ?? startWorker)());
    this.#connection = connection;
    try {
      const told = (progress: Progress): void => {
        onProgress?.(progress);
        onState?.({ phase: "opening", progress });
      };
      const input = { models, pack, head, storedPack, storedHead, preference };
      const opened = await attempt(connection, this.#patience, "open", input, { onProgress: told });
      if (preference !== this.#options.preference) opened.notices.push(replaced());
      this.#opened = opened;
      onState?.({ phase: "ready", opened });
      return connection;
    } catch (thrown) {
      connection.end(asProblem(thrown, "worker-crashed"));
      throw thrown;
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
