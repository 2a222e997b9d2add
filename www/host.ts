/** The worker's side of the protocol: owns the detector and serves calls one at a time. */
import { readCatalog, fetchBytes, fetchText } from "./catalog.ts";
import { decodeInBrowser } from "./decode.ts";
import { asProblem, Problem } from "./protocol.ts";
import type { Kind, Notice, OpenInput, Opened, Progress, Reply, Request } from "./protocol.ts";
import type { Detector, Observe, Verdict } from "./safelight.js";
import { forgetPack, readPack } from "./store.ts";

export type Engine = Pick<typeof import("./safelight.js"), "Loader">;

type Report = (progress: Progress) => void;

/**
 * Codes that mean the stored or downloaded bytes are not the published pack, which is then fetched once more:
 * while they are read, whatever damage does to them; at the end, their length and hash (the rest is the head's).
 */
const BROKEN = { reading: /^(pack-length|pack-changed|weights-header|tensor-.*|not-finite)$/, finishing: /^(pack-length|pack-hash)$/ };

export class Host {
  readonly #post: (reply: Reply) => void;
  readonly #start: () => Promise<Engine>;
  #engine: Promise<Engine> | null = null;
  #detector: Detector | null = null;
  #tail: Promise<void> = Promise.resolve();
  /** Every call that is waiting or running, so that `cancel` can reach it. */
  readonly #calls = new Map<number, AbortController>();

  constructor(post: (reply: Reply) => void, start: () => Promise<Engine>) {
    this.#post = post;
    this.#start = start;
  }

  receive(request: Request): void {
    if (request.kind === "cancel") {
      const call = this.#calls.get(request.input.call);
      call?.abort();
      this.#post({ id: request.id, result: call !== undefined });
      return;
    }
    const abort = new AbortController();
    this.#calls.set(request.id, abort);
    this.#tail = this.#tail.then(() => this.#serve(request, abort.signal));
  }

  /** An error that no call caught: a panic inside a spawned future never settles its promise. */
  crash(cause: unknown): void {
    const { message } = asProblem(cause, "worker-crashed");
    for (const id of this.#calls.keys()) this.#post({ id, error: { code: "worker-crashed", message } });
    this.#calls.clear();
  }

  async #serve(request: Exclude<Request, { kind: "cancel" }>, signal: AbortSignal): Promise<void> {
    const { id } = request;
    const report: Report = (progress) => this.#post({ id, progress });
    try {
      signal.throwIfAborted();
      const result =
        request.kind === "open"
          ? await this.#open(request.input, signal, report)
          : await this.#check(request.input.picture, signal, report);
      this.#post({ id, result });
    } catch (thrown) {
      const { code, message } = describe(thrown, request.kind);
      this.#post({ id, error: { code, message } });
    } finally {
      this.#calls.delete(id);
    }
  }

  async #open(input: OpenInput, signal: AbortSignal, report: Report): Promise<Opened> {
    this.#detector?.free();
    this.#detector = null;
    const engine = await this.#running();
    const choice = await readCatalog(input, signal);
    const [manifest, head] = await Promise.all([
      fetchText(new URL("pack.json", choice.pack), signal),
      input.headBytes ? readable(input.headBytes).then((buffer) => new Uint8Array(buffer)) : fetchBytes(choice.head, signal),
    ]);
    const notices: Notice[] = [];
    for (let attempt = 1; ; attempt += 1) {
      const loader = await engine.Loader.open(manifest, input.preference);
      let stage: keyof typeof BROKEN = "reading";
      try {
        for await (const chunk of readPack(choice.pack, manifest, { signal, report, notices })) loader.push(chunk);
        stage = "finishing";
        this.#detector = await loader.finish(head);
        return { info: this.#detector.info, notices };
      } catch (thrown) {
        if (stage === "reading") loader.free(); // `finish` has consumed it, even when it fails
        const problem = describe(thrown, "open");
        if (!BROKEN[stage].test(problem.code)) throw problem;
        await forgetPack(manifest);
        if (attempt === 2) throw problem;
        notices.push({ code: "pack-reloaded", message: "The stored model was damaged and has been downloaded again." });
      }
    }
  }

  async #check(picture: Blob, signal: AbortSignal, report: Report): Promise<Verdict> {
    const detector = this.#detector;
    if (detector === null) throw new Problem("worker-crashed", "A picture was sent before a model was opened.");
    const observe: Observe = (done, total) => {
      report({ stage: "check", done, total });
      return !signal.aborted; // `cancel` is heard between blocks, where the detector rests
    };
    const bytes = new Uint8Array(await readable(picture));
    signal.throwIfAborted();
    try {
      return await detector.check(bytes, observe);
    } catch (thrown) {
      const problem = describe(thrown, "check");
      if (problem.code !== "picture-format") throw problem;
      const decoded = await decodeInBrowser(picture, bytes);
      if (decoded === null) throw problem;
      const { rgba, width, height, format } = decoded;
      return await detector.checkPixels(rgba, width, height, format, observe);
    }
  }

  async #running(): Promise<Engine> {
    this.#engine ??= this.#start();
    try {
      return await this.#engine;
    } catch (thrown) {
      this.#engine = null;
      // Compiling fails where WebAssembly lacks SIMD; any other failure is a file that did not arrive.
      if (thrown instanceof WebAssembly.CompileError || typeof WebAssembly === "undefined")
        throw new Problem("browser-too-old", "This browser cannot run WebAssembly with SIMD.");
      throw asProblem(thrown, "network");
    }
  }
}

async function readable(picture: Blob): Promise<ArrayBuffer> {
  try {
    return await picture.arrayBuffer();
  } catch (thrown) {
    throw new Problem("picture-unreadable", asProblem(thrown, "picture-unreadable").message);
  }
}

/** A panic (`WebAssembly.RuntimeError`) leaves the module unusable, whatever was being done. */
function describe(thrown: unknown, kind: Kind): Problem {
  if (thrown instanceof WebAssembly.RuntimeError) return new Problem("worker-crashed", thrown.message);
  return asProblem(thrown, kind === "open" ? "network" : "worker-crashed");
}
