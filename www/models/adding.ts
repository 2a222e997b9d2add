/**
 * The worker's side of adding a model: a checkpoint's bytes go through the conversion in Rust and onto the shelf,
 * a chunk at a time. What was interrupted goes on from what is on the shelf; a model is offered when it is whole.
 */
import { whole } from "../chunks.ts";
import type { Engines } from "../engines.ts";
import { describe } from "../faults.ts";
import { hash } from "../hash.ts";
import { Problem } from "../protocol.ts";
import type { AddModel, Progress, StoredModel } from "../protocol.ts";
import type * as Safelight from "../safelight.js";
import { openShelf } from "../shelf.ts";
import type { Shelf } from "../shelf.ts";
import { keepModel, turnOf, UNFINISHED } from "./kept.ts";
import type { PackManifest } from "./kept.ts";
import { keepTokenizer } from "../tokenizer.ts";
import { INDEX } from "./source.ts";
import type { FileFacts, Source } from "./source.ts";
import { sourceOf } from "./sources.ts";

/** What the host lends. */
export interface Surroundings {
  engine: Pick<typeof Safelight, "Checkpoint">;
  /** Loaded where a checkpoint has a tokenizer of its own. */
  tokenizerEngine: Engines["tokenizer"];
  /** The address of the hub. */
  hub: string;
  signal: AbortSignal;
  report: (progress: Progress) => void;
}

/** Bytes after which what was written is made safe on the disk. */
const SAFE = 64 * 1024 * 1024;

/** Milliseconds between signs of life while another tab has the turn. */
const BEAT = 10_000;

/** With these the checkpoint itself is sound, and what has arrived is of use to another attempt. */
const PASSING = new Set(["network", "cancelled", "picture-unreadable", "storage-full", "model-failed", "model-crashed"]);

export async function addModel(input: AddModel, { engine, tokenizerEngine, hub, signal, report }: Surroundings): Promise<StoredModel> {
  const source = await sourceOf(input.source, hub, signal);
  const config = await source.text("config.json");
  if (config === null) throw new Problem("model-source", "There is no config.json with the weights, which says what shape the model has.");
  const checkpoint = new engine.Checkpoint(config);
  let tokenizer: Uint8Array | null;
  let files: FileFacts[];
  try {
    tokenizer = await ownTokenizer(checkpoint, source, tokenizerEngine);
    files = await readHeaders(checkpoint, source, engine);
  } catch (thrown) {
    checkpoint.free();
    throw thrown;
  }
  const origin = JSON.stringify({ config, files, int8: input.int8 });
  const name = `${UNFINISHED}${(await hash(new TextEncoder().encode(origin))).slice(0, 32)}`;
  return alone(turnOf(name), { signal, report }, async () => {
    const shelf = await openShelf(name);
    if (shelf === null) throw new Problem("storage-none", "This browser keeps nothing in this window, so no model can be added.");
    try {
      return await convert(checkpoint, { source, files, tokenizer }, shelf, input, { signal, report });
    } catch (thrown) {
      await shelf.settle().catch(() => undefined);
      const full = thrown instanceof DOMException && thrown.name === "QuotaExceededError";
      const problem = full ? new Problem("storage-full", "There is no room left for this model in this browser.") : ofTheModel(thrown);
      if (!PASSING.has(problem.code)) await shelf.remove().catch(() => undefined);
      throw problem;
    }
  });
}

/** What is read. */
interface Origin {
  source: Source;
  files: readonly FileFacts[];
  /** The text of the checkpoint's own tokenizer. */
  tokenizer: Uint8Array | null;
}

async function convert(
  checkpoint: Safelight.Checkpoint,
  { source, files, tokenizer }: Origin,
  shelf: Shelf,
  { int8, name }: AddModel,
  { signal, report }: Pick<Surroundings, "signal" | "report">,
): Promise<StoredModel> {
  const conversion = checkpoint.convert(int8, await shelf.length()); // consumes it
  const tell = (): void => report({ stage: "convert", done: conversion.done, total: conversion.total });
  let manifest: string;
  let checked: StoredModel["checked"];
  let consumed = false;
  try {
    await makeRoom(conversion.packBytes - conversion.kept);
    await shelf.truncate(conversion.kept);
    for await (const chunk of shelf.chunks()) {
      signal.throwIfAborted();
      conversion.rehash(chunk);
      tell();
    }
    let unsafe = 0;
    for (let piece = conversion.wants; piece !== null; piece = conversion.wants) {
      const { file, start, end } = piece;
      const facts = files.find(({ name }) => name === file);
      if (facts === undefined) throw new Problem("model-source", `${file} is missing.`);
      for await (const chunk of source.read(facts, start, end)) {
        signal.throwIfAborted();
        const packed = conversion.push(chunk);
        await shelf.append(packed);
        tell();
        unsafe += packed.length;
        if (unsafe < SAFE) continue;
        await shelf.settle();
        unsafe = 0;
      }
    }
    const title = name ?? source.name;
    const id = `${title.toLowerCase().replace(/[^a-z0-9._-]+/g, "-")}${int8 && name === null ? "-int8" : ""}`;
    const words = `Converted from ${source.words}; matrices in ${int8 ? "int8" : "float16"}.`;
    checked = conversion.checked ? "whole" : files.every(({ sha256 }) => sha256 !== null) ? "interrupted" : "unknown";
    consumed = true; // by `finish`, also when it fails
    manifest = await conversion.finish({ id, name: title, licence: "unknown", source: words });
  } catch (thrown) {
    if (!consumed) conversion.free();
    throw thrown;
  }
  await shelf.settle();
  const described = JSON.parse(manifest) as PackManifest;
  const [{ bytes, sha256 }] = described.files;
  if (described.tokenizer !== undefined && tokenizer !== null) await keepTokenizer(described.tokenizer.sha256, tokenizer);
  const model: StoredModel = { sha256, id: described.id, name: described.name, bytes, int8, added: new Date().toISOString(), checked, manifest };
  await keepModel(model); // first: weights under their hash that nothing describes would never be found again
  await shelf.rename(sha256);
  return model;
}

/** The tokenizer that lies with the weights, if the model has a use for it; it is refused if it is another model's. */
async function ownTokenizer(checkpoint: Safelight.Checkpoint, source: Source, engine: Engines["tokenizer"]): Promise<Uint8Array | null> {
  const text = checkpoint.text ? await source.text("tokenizer.json") : null;
  if (text === null) return null;
  const json = new TextEncoder().encode(text);
  const { Tokenizer } = await engine();
  try {
    const tokenizer = new Tokenizer(json);
    checkpoint.useTokenizer(json, tokenizer.vocabulary);
    tokenizer.free();
    return json;
  } catch (thrown) {
    throw ofTheModel(thrown);
  }
}

/** What the library says of a file, said of the model that is added. */
function ofTheModel(thrown: unknown): Problem {
  const problem = describe(thrown, "addModel");
  if (problem.code === "pack-hash") return new Problem("model-source", "What arrived is not the file that its source names: its SHA-256 is another. Nothing of it is kept; fetch it again.");
  if (problem.code.startsWith("tokenizer")) return new Problem("model-source", `${problem.message} Its tokenizer.json is not this model’s own, or is damaged.`);
  return problem;
}

/** Reads the header of every weight file, so that a checkpoint that does not fit is refused before anything is written. */
async function readHeaders(checkpoint: Safelight.Checkpoint, source: Source, engine: Surroundings["engine"]): Promise<FileFacts[]> {
  const index = await source.text(INDEX);
  const names = index === null ? [source.weights()] : engine.Checkpoint.filesOfIndex(index);
  const files: FileFacts[] = [];
  for (const name of names) {
    const facts = await source.facts(name);
    const first = (bytes: number): Promise<Uint8Array> => whole(source.read(facts, 0, Math.min(bytes, facts.bytes)));
    const length = engine.Checkpoint.headerBytes(name, await first(8));
    checkpoint.add(name, await first(length), facts.bytes, facts.sha256);
    files.push(facts);
  }
  return files;
}

async function makeRoom(bytes: number): Promise<void> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  if (quota === undefined || usage === undefined || quota - usage >= bytes) return;
  throw new Problem("storage-full", `The model takes ${Math.ceil(bytes / 1e6)} MB, and this browser has ${Math.floor((quota - usage) / 1e6)} MB left for this site.`);
}

/** Waits until no other tab adds the same model, and says so again and again: that may take as long as the model does. */
async function alone<T>(turn: string, { signal, report }: Pick<Surroundings, "signal" | "report">, work: () => Promise<T>): Promise<T> {
  const { locks } = navigator;
  if (locks === undefined) return work();
  const atOnce = await locks.request(turn, { ifAvailable: true }, async (lock) => (lock === null ? null : { result: await work() }));
  if (atOnce !== null) return atOnce.result;
  const tell = (): void => report({ stage: "wait", done: 0, total: 1 });
  tell();
  const beat = setInterval(tell, BEAT);
  try {
    return await locks.request(turn, { signal }, () => {
      clearInterval(beat);
      return work();
    });
  } finally {
    clearInterval(beat);
  }
}
