/** The worker's side of the protocol: owns the detector and serves calls one at a time. */
import { Ahead } from "./ahead.ts";
import { fetchPinned, fetchText, readCatalog } from "./catalog.ts";
import type { Choice, PinnedFile } from "./catalog.ts";
import { decodeInBrowser, readable } from "./decode.ts";
import type { CheckingEngine, Engines } from "./engines.ts";
import { BROKEN, describe, UNUSABLE } from "./faults.ts";
import { keepKernels, keptKernels } from "./kernels.ts";
import { asProblem, isOfModels, Problem } from "./protocol.ts";
import type { Calls, Kind, ModelKind, Notice, OpenInput, Opened, Progress, Reply, Request } from "./protocol.ts";
import type { Detector, DetectorInfo, Observe, Verdict } from "./safelight.js";
import { forgetPack, readPack } from "./store.ts";
import type { PackOptions } from "./store.ts";
import type { TokenizerFile } from "./tokenizer.ts";
import type { Run, Surroundings } from "./training.ts";

/** The calls that are answered without waiting for those before them. */
type Urgent = "cancel" | "shorten" | "expect";

/** Whether it does not wait for what came before: a training takes turns with it, and models are added beside it. */
function isBeside(kind: Kind): boolean {
  return kind === "train" || isOfModels(kind);
}

type Report = (progress: Progress) => void;

export class Host {
  readonly #post: (reply: Reply) => void;
  readonly #engines: Engines;
  #detector: Detector | null = null;
  /** Which kernels are kept in this browser. */
  #kernels = "";
  /** The site's head, to go back to; `null` while a model is open that was added and has none. */
  #siteHead: PinnedFile | null = null;
  /** What the first caption needs. */
  #tokenizer: TokenizerFile | null = null;
  /** Where models are fetched from. */
  #hub = "";
  /** The end of what has a turn or waits for one. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Every call that is waiting or running, so that `cancel` can reach it. */
  readonly #calls = new Map<number, AbortController>();
  readonly #runs = new Map<number, Run>();
  readonly #ahead = new Ahead((cause) => this.crash(cause));

  constructor(post: (reply: Reply) => void, engines: Engines) {
    this.#post = post;
    this.#engines = engines;
  }

  receive(request: Request): void {
    if (request.kind === "cancel" || request.kind === "shorten") {
      const { call } = request.input;
      const found = request.kind === "cancel" ? this.#calls.has(call) : this.#runs.has(call);
      if (request.kind === "cancel") this.#calls.get(call)?.abort();
      else this.#runs.get(call)?.shorten();
      this.#post({ id: request.id, result: found });
      return;
    }
    if (request.kind === "expect") {
      this.#ahead.expect(request.input.picture);
      this.#post({ id: request.id, result: null });
      return;
    }
    const abort = new AbortController();
    this.#calls.set(request.id, abort);
    if (isBeside(request.kind)) void this.#serve(request, abort.signal);
    else void this.#turn(() => this.#serve(request, abort.signal));
  }

  /** An error that no call caught: a panic inside a spawned future never settles its promise. */
  crash(cause: unknown): void {
    const { message } = asProblem(cause, "worker-crashed");
    for (const id of this.#calls.keys()) this.#post({ id, error: { code: "worker-crashed", message } });
    this.#calls.clear();
  }

  /** Does `work` after everything that asked before. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(work);
    this.#tail = mine.catch(() => undefined);
    return mine;
  }

  async #serve(request: Exclude<Request, { kind: Urgent }>, signal: AbortSignal): Promise<void> {
    const { id } = request;
    const report: Report = (progress) => this.#post({ id, progress });
    try {
      signal.throwIfAborted();
      const result = await this.#answer(request, signal, report);
      this.#post({ id, result });
    } catch (thrown) {
      const { code, message } = describe(thrown, request.kind);
      this.#post({ id, error: { code, message } });
    } finally {
      this.#calls.delete(id);
      this.#runs.delete(id);
    }
  }

  async #answer(request: Exclude<Request, { kind: Urgent }>, signal: AbortSignal, report: Report): Promise<Calls[Kind]["result"]> {
    switch (request.kind) {
      case "open":
        return this.#open(request.input, signal, report);
      case "check":
        return this.#check(request.input, signal, report);
      case "useHead":
        return this.#useHead(request.input.head, signal);
      case "label": {
        const { paths, metadata, mapping } = request.input;
        return (await this.#engines.training()).readLabels(paths, metadata, mapping);
      }
      case "addModel":
      case "listModels":
      case "dropModel":
        return this.#models(request, signal, report);
      default:
        return this.#train(request, signal, report);
    }
  }

  /** Everything about training; its code is loaded now. */
  async #train(request: Extract<Request, { kind: "embed" | "missing" | "presets" | "audit" | "train" | "readHead" }>, signal: AbortSignal, report: Report): Promise<Calls[Kind]["result"]> {
    const training = await import("./training.ts");
    const detector = this.#opened();
    const turn: Surroundings["turn"] = (work) => this.#turn(work);
    const surroundings: Surroundings = { engine: this.#engines.training, detector, signal, report, turn, readCaptions: () => this.#readCaptions(detector, signal) };
    switch (request.kind) {
      case "embed": {
        const { picture, treatments, caption } = request.input;
        const file = { picture, bytes: await readable(picture), caption };
        return training.embed(file, treatments, surroundings);
      }
      case "missing":
        return training.missing(request.input, surroundings);
      case "presets":
        return training.presets(surroundings);
      case "audit":
        return training.audit(request.input.pictures, surroundings);
      case "readHead":
        return training.inspect(detector, await readable(request.input.file));
      case "train": {
        const run = new training.Run();
        this.#runs.set(request.id, run);
        return run.train(request.input, surroundings);
      }
    }
  }

  /** Everything about added models; its code is loaded now. */
  async #models(request: Extract<Request, { kind: ModelKind }>, signal: AbortSignal, report: Report): Promise<Calls[Kind]["result"]> {
    const kept = await import("./models/kept.ts");
    switch (request.kind) {
      case "listModels":
        return kept.keptModels();
      case "dropModel":
        await kept.dropModel(request.input.sha256);
        return null;
      case "addModel": {
        const { addModel } = await import("./models/adding.ts");
        return addModel(request.input, { engine: await this.#engines.checking(), tokenizerEngine: this.#engines.tokenizer, hub: this.#hub, signal, report });
      }
    }
  }

  async #open(input: OpenInput, signal: AbortSignal, report: Report): Promise<Opened> {
    this.#ahead.clear();
    this.#detector?.free();
    this.#detector = null;
    const engine = await this.#engines.checking();
    const choice = await readCatalog(input, signal);
    this.#hub = choice.hub;
    this.#kernels = await keptKernels();
    this.#tokenizer = choice.tokenizer; // every CLIP's that brings none
    const notices: Notice[] = [];
    if (input.storedPack !== null) {
      try {
        return await this.#openKept(input.storedPack, engine, input, { signal, report, notices });
      } catch (thrown) {
        const problem = describe(thrown, "open");
        if (!UNUSABLE.test(problem.code)) throw problem;
        notices.push({ code: "model-replaced", message: `The model that you added cannot be opened, so the one that comes with this page is. ${problem.message}` });
        return this.#openSite(choice, engine, { ...input, storedHead: null }, { signal, report, notices });
      }
    }
    return this.#openSite(choice, engine, input, { signal, report, notices });
  }

  /** Opens a model that was added, with a head that was trained for it, or none. */
  async #openKept(sha256: string, engine: CheckingEngine, input: OpenInput, { signal, report, notices }: PackOptions): Promise<Opened> {
    const { keptModel, readKept, tokenizerOf } = await import("./models/kept.ts");
    const model = await keptModel(sha256);
    const loader = await engine.Loader.open(model.manifest, input.preference, this.#kernels);
    try {
      for await (const chunk of readKept(model, signal, report)) loader.push(chunk);
    } catch (thrown) {
      loader.free();
      throw thrown;
    }
    this.#detector = await loader.finish(null);
    this.#siteHead = null;
    this.#tokenizer = tokenizerOf(model, this.#tokenizer);
    return { info: await this.#useStored(input.storedHead, notices, signal), notices };
  }

  /** Opens a model and a head of the site. */
  async #openSite(choice: Choice, engine: CheckingEngine, input: OpenInput, { signal, report, notices }: PackOptions): Promise<Opened> {
    const [manifest, head] = await Promise.all([
      fetchText(new URL("pack.json", choice.pack), signal),
      fetchPinned(choice.head, signal),
    ]);
    for (let attempt = 1; ; attempt += 1) {
      const loader = await engine.Loader.open(manifest, input.preference, this.#kernels);
      let stage: keyof typeof BROKEN = "reading";
      try {
        for await (const chunk of readPack(choice.pack, manifest, { signal, report, notices })) loader.push(chunk);
        stage = "finishing";
        this.#detector = await loader.finish(head);
        this.#siteHead = choice.head;
        return { info: await this.#useStored(input.storedHead, notices, signal), notices };
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

  async #check({ picture, caption }: Calls["check"]["input"], signal: AbortSignal, report: Report): Promise<Verdict> {
    const detector = this.#opened();
    const reading = readable(picture);
    const prepared = await this.#ahead.take(reading);
    const bytes = await reading;
    try {
      if (caption !== null && detector.info.head.captions) await this.#readCaptions(detector, signal);
      signal.throwIfAborted();
    } catch (thrown) {
      prepared?.free();
      throw thrown;
    }
    const observe: Observe = (done, total) => {
      report({ stage: "check", done, total });
      this.#ahead.rest(detector, done);
      return !signal.aborted; // `cancel` is heard between blocks, where the detector rests
    };
    const checking = prepared === null ? detector.check(bytes, observe, caption) : detector.checkPrepared(prepared, observe, caption);
    const verdict = await checking.catch(async (thrown: unknown) => {
      const problem = describe(thrown, "check");
      if (problem.code !== "picture-format") throw problem;
      const decoded = await decodeInBrowser(picture, bytes);
      if (decoded === null) throw problem;
      const { rgba, width, height, format } = decoded;
      return detector.checkPixels(rgba, width, height, format, observe, caption);
    });
    const { kernels } = detector;
    if (kernels !== "" && kernels !== this.#kernels) await keepKernels((this.#kernels = kernels));
    return verdict;
  }

  /** Loads what captions need, once. */
  async #readCaptions(detector: Detector, signal: AbortSignal): Promise<void> {
    if (detector.info.pack.tokenizer || this.#tokenizer === null) return;
    const { readTokenizer } = await import("./tokenizer.ts");
    const [{ Tokenizer }, json] = await Promise.all([this.#engines.tokenizer(), readTokenizer(this.#tokenizer, signal)]);
    detector.useTokenizer(new Tokenizer(json));
  }

  /** The chosen head; the site's, with a notice, when that is gone or does not fit this pack. */
  async #useStored(head: string | null, notices: Notice[], signal: AbortSignal): Promise<DetectorInfo> {
    try {
      if (head !== null) return await this.#useHead(head, signal);
    } catch (thrown) {
      const { message } = describe(thrown, "useHead");
      notices.push({ code: "head-replaced", message: `Your own head could not be used, so the one that comes with this page is. ${message}` });
    }
    return this.#opened().info;
  }

  async #useHead(head: string | null, signal: AbortSignal): Promise<DetectorInfo> {
    const detector = this.#opened();
    this.#ahead.clear(); // another head may look at pictures otherwise
    if (head === null) {
      detector.useHead(this.#siteHead === null ? null : await fetchPinned(this.#siteHead, signal));
      return detector.info;
    }
    const { headFile, storedHead } = await import("./heads.ts");
    const [file, stored] = await Promise.all([headFile(head), storedHead(head)]);
    detector.useHead(file);
    const { info } = detector;
    return { ...info, head: { ...info.head, name: stored?.name ?? info.head.name } };
  }

  #opened(): Detector {
    if (this.#detector === null) throw new Problem("worker-crashed", "A picture was sent before a model was opened.");
    return this.#detector;
  }
}
