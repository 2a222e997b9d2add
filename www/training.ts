/**
 * The worker's side of training: features of pictures into the store, facts into an audit, kept features into a
 * head. It is loaded when the first such call comes. Epochs take turns with checks, so the page stays of use.
 */
import { database, keeping } from "./database.ts";
import type { RunHeads, StoredRun } from "./database.ts";
import { decodeInBrowser } from "./decode.ts";
import type { TrainingEngine } from "./engines.ts";
import { FeatureStore } from "./features.ts";
import { hash } from "./hash.ts";
import { labelled } from "./headfile.ts";
import { keepHead } from "./heads.ts";
import { asProblem, Problem } from "./protocol.ts";
import type { Calls, Embedding, Presets, Progress, StoredHead, TrainInput } from "./protocol.ts";
import type * as Safelight from "./safelight-training.js";
import type { AuditReport, LabelledPicture, Trainer, TrainingSet } from "./safelight-training.js";
import type { Detector, DetectorInfo, Embedded, HeadFigures, Observe } from "./safelight.js";
import { alone, forgetRun } from "./unfinished.ts";

/** What the host lends. */
export interface Surroundings {
  /** Starts the module that trains; features are the detector's. */
  engine: () => Promise<TrainingEngine>;
  detector: Detector;
  signal: AbortSignal;
  report: (progress: Progress) => void;
  /** Does one piece of work when the worker is free, so that checks come between two pieces. */
  turn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Loads what captions need, before the first is read. */
  readCaptions: () => Promise<void>;
}

/** The trainer's state is some megabytes: it is kept at most this often while epochs are quick, in milliseconds. */
const KEEP_EVERY = 2_000;

/** A picture to be embedded: its file, the file's bytes, and the words that it came with. */
export interface Given {
  picture: Blob;
  bytes: Uint8Array;
  caption: string | null;
}

export async function embed({ picture, bytes, caption }: Given, treatments: string[], surroundings: Surroundings): Promise<Embedding> {
  const { detector, signal, report } = surroundings;
  const store = new FeatureStore(detector.info.pack.sha256, detector.spec);
  const sha256 = await hash(bytes);
  const facts = await store.facts(sha256);
  const missing = await store.missing(sha256, treatments);
  const captionKnown = caption === null || detector.spec.caption === 0 || (await store.caption(caption)) !== null;
  if (facts !== undefined && missing.length === 0 && captionKnown) return { facts, known: true };
  signal.throwIfAborted();
  const observe = observer("embed", signal, report);
  if (!captionKnown) {
    await readCaption(caption, store, surroundings);
    if (facts !== undefined && missing.length === 0) return { facts, known: false };
  }
  const embedded = await embedAny(picture, bytes, missing, detector, observe);
  await store.put(embedded, missing);
  return { facts: embedded.facts, known: false };
}

async function embedAny(picture: Blob, bytes: Uint8Array, treatments: string[], detector: Detector, observe: Observe): Promise<Embedded> {
  try {
    return await detector.embed(bytes, treatments, observe);
  } catch (thrown) {
    if (asProblem(thrown, "worker-crashed").code !== "picture-format") throw thrown;
    const decoded = await decodeInBrowser(picture, bytes);
    if (decoded === null) throw thrown;
    const { rgba, width, height, format } = decoded;
    return detector.embedPixels(rgba, width, height, format, bytes, treatments, observe);
  }
}

/** The features of a caption, kept from now on. */
async function readCaption(caption: string, store: FeatureStore, { detector, signal, report, readCaptions }: Surroundings): Promise<Float32Array> {
  await readCaptions();
  const row = await detector.embedCaption(caption, observer("embed", signal, report));
  await store.putCaption(caption, row);
  return row;
}

export async function missing({ pictures, treatments }: Calls["missing"]["input"], { detector }: Surroundings): Promise<string[]> {
  const store = new FeatureStore(detector.info.pack.sha256, detector.spec);
  const lacks = await Promise.all(pictures.map(async (picture) => (await store.missing(picture, treatments)).length > 0));
  return pictures.filter((_, index) => lacks[index]);
}

export async function presets({ engine }: Surroundings): Promise<Presets> {
  const { preset } = await engine();
  return { default: preset("default"), "fine-tune": preset("fine-tune") };
}

export async function audit(pictures: LabelledPicture[], surroundings: Surroundings): Promise<AuditReport> {
  const { engine, detector, signal, report } = surroundings;
  const store = new FeatureStore(detector.info.pack.sha256, detector.spec);
  const captions = pictures.some(({ caption }) => typeof caption === "string");
  // An audit looks at facts and captions; the one number a picture is not looked at.
  const { TrainingSet } = await engine();
  const set = new TrainingSet(1, ["as-given"], captions ? detector.spec.caption : 0);
  try {
    const read: ReadCaption = (caption) => readCaption(caption, store, surroundings);
    for (const picture of pictures) set.add(picture, new Float32Array(1), captions ? await captionRow(picture, store, read) : null);
    return await set.audit(observer("audit", signal, report));
  } finally {
    set.free();
  }
}

/** One training, which the page may shorten while it runs. */
export class Run {
  #limit: number | null = null;
  /** Epochs done in the present stage. */
  #epochs = 0;

  /** The present stage ends with the epoch that is under way; later stages end after as many. */
  shorten(): void {
    this.#limit = this.#epochs + 1;
  }

  /** While no other tab trains. */
  train(input: TrainInput, surroundings: Surroundings): Promise<StoredHead> {
    return alone(() => this.#train(input, surroundings), surroundings.signal);
  }

  async #train(input: TrainInput, surroundings: Surroundings): Promise<StoredHead> {
    const { signal, report, turn, detector } = surroundings;
    const { run, heads } = await begin(input, detector);
    this.#limit = run.limit;
    const trainer = await this.#open(run, heads, surroundings);
    const { length } = run.input.pictures;
    report({ stage: "gather", done: length, total: length, device: trainer.device });
    try {
      await this.#epochsOf(trainer, run, surroundings);
    } catch (thrown) {
      trainer.free();
      throw thrown;
    }
    report({ stage: "finish", done: 0, total: 1 });
    const trained = await turn(() => trainer.finish(input.naming, heads.like)); // consumes it
    signal.throwIfAborted();
    const { figures } = await turn(async () => inspect(detector, trained.head));
    return keepTrained(trained, run, detector.info.pack.sha256, figures);
  }

  async #epochsOf(trainer: Trainer, run: StoredRun, { signal, report, turn }: Surroundings): Promise<void> {
    const observe: Observe = () => !signal.aborted;
    const { epochs } = run;
    this.#epochs = (epochs.at(-1)?.epoch ?? -1) + 1;
    const tell = (fresh: Safelight.EpochReport[]): void => {
      const last = fresh.at(-1);
      const total = epochs.length + (last === undefined ? 0 : epochsLeft(last, this.#limit));
      report({ stage: "epoch", done: epochs.length, total, epochs: fresh, limit: this.#limit });
    };
    if (epochs.length > 0) tell(epochs);
    let kept = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const epoch = await turn(() => trainer.epoch(observe));
      if (epoch === null) return;
      const ended = epoch.epoch + 1 === epoch.epochs;
      this.#epochs = ended ? 0 : epoch.epoch + 1;
      epochs.push(epoch);
      if (!ended && this.#limit !== null && this.#epochs >= this.#limit) {
        trainer.stop(); // not while an epoch runs: the trainer is lent to it
        this.#epochs = 0;
      }
      if (performance.now() - kept >= KEEP_EVERY || epochs.length === 1) {
        run.state = await turn(() => trainer.state());
        run.limit = this.#limit;
        await keeping((db) => db.put("run", run, "run"));
        kept = performance.now();
      }
      tell([epoch]);
    }
  }

  async #open(run: StoredRun, heads: RunHeads, surroundings: Surroundings): Promise<Trainer> {
    const { engine, detector } = surroundings;
    const { input } = run;
    const spec = run.spec ?? detector.spec;
    const { preset: named, Trainer, TrainingSet } = await engine();
    const set = new TrainingSet(spec.dimension, input.treatments, input.captions ? spec.caption : 0);
    await gather(input, set, new FeatureStore(detector.info.pack.sha256, spec), surroundings);
    const device = detector.info.device.kind;
    try {
      if (run.state !== null) return await Trainer.resume(set, run.state, device);
      const preset = named(input.preset);
      const config = { ...preset, ...input.config, loss: { ...preset.loss, ...input.config.loss } };
      return await Trainer.create(set, config, heads.base, device);
    } finally {
      set.free(); // the trainer shares what it holds
    }
  }
}

/** Epochs after this one, as far as is known: the head itself may be found to need fewer than a fold. */
export function epochsLeft({ stage, fold, folds, epoch, epochs }: Safelight.EpochReport, limit: number | null): number {
  const each = Math.min(epochs, limit ?? epochs);
  const stages = stage === "final" ? 0 : folds - fold;
  return Math.max(0, each - epoch - 1) + stages * each;
}

/** The stored run of that id; else, where none waits, a new one, stored. */
async function begin(input: TrainInput, detector: Detector): Promise<{ run: StoredRun; heads: RunHeads }> {
  const db = await database();
  const { sha256, name } = detector.info.pack;
  const [run, heads] = await Promise.all([db.get("run", "run"), db.get("runHeads", "run")]);
  if (run !== undefined && heads !== undefined) {
    if (run.input.id !== input.id) throw new Problem("train-unfinished", `“${run.input.naming.name}” is not finished.`);
    if (run.pack !== undefined && run.pack.sha256 !== sha256)
      throw new Problem("train-model", `This training was begun with the model ${run.pack.name}, and ${name} is open.`);
    return { run, heads };
  }
  const like = detector.headBytes();
  const fresh = {
    run: { input, pack: { sha256, name }, spec: detector.spec, epochs: [], limit: null, state: null },
    heads: { like, base: input.fineTune ? like : null },
  };
  await keeping(async (db) => {
    const transaction = db.transaction(["run", "runHeads"], "readwrite");
    await Promise.all([
      transaction.objectStore("run").put(fresh.run, "run"),
      transaction.objectStore("runHeads").put(fresh.heads, "run"),
      transaction.done,
    ]);
  });
  return fresh;
}

/** Fills `set` from the store, one picture at a time; when that fails, frees it. */
async function gather({ pictures, treatments, captions }: TrainInput, set: TrainingSet, store: FeatureStore, surroundings: Surroundings): Promise<void> {
  const { signal, report, turn } = surroundings;
  const read: ReadCaption = (caption) => turn(() => readCaption(caption, store, surroundings));
  try {
    for (const [index, picture] of pictures.entries()) {
      signal.throwIfAborted();
      const rows = await store.rows(picture.facts.sha256, treatments);
      if (rows === null) throw new Problem("features-missing", `The features of ${picture.name} are not in this browser any more.`);
      set.add(picture, rows, captions ? await captionRow(picture, store, read) : null);
      if (index % 50 === 0) report({ stage: "gather", done: index, total: pictures.length });
    }
  } catch (thrown) {
    set.free();
    throw thrown;
  }
}

type ReadCaption = (caption: string) => Promise<Float32Array>;

/** The row of a picture's caption; `null` where it has none. One that is not kept is read: a correction's may have been kept for another model. */
async function captionRow({ caption }: LabelledPicture, store: FeatureStore, read: ReadCaption): Promise<Float32Array | null> {
  if (typeof caption !== "string" || !store.readsCaptions) return null;
  return (await store.caption(caption)) ?? read(caption);
}

/** Keeps the head with its report, and forgets the run that made it. */
async function keepTrained({ head, report }: Safelight.Trained, { input }: StoredRun, pack: string, figures: HeadFigures): Promise<StoredHead> {
  const worst = report.worst.flatMap(({ index, probability, generated }) => {
    const picture = input.pictures[index];
    return picture === undefined ? [] : [{ name: picture.name, sha256: picture.facts.sha256, probability, generated }];
  });
  report.audit ??= input.audit;
  const { name, date } = input.naming;
  const kept = await keepHead(labelled(head, { report }), { name, trained: date, pack, figures, report, worst });
  await forgetRun(input.id);
  return kept;
}

/** What a head's file says of itself; throws what is wrong with it. The head in use stays in use. */
export function inspect(detector: Detector, head: Uint8Array): DetectorInfo["head"] {
  const inUse = detector.headBytes();
  try {
    detector.useHead(head);
    return detector.info.head;
  } finally {
    detector.useHead(inUse);
  }
}

function observer(stage: Progress["stage"], signal: AbortSignal, report: (progress: Progress) => void): Observe {
  return (done, total) => {
    report({ stage, done, total });
    return !signal.aborted;
  };
}
