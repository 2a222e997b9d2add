/** The models that were added to this browser: their descriptions in the database, their weights on the shelf. */
import type { Pin } from "../catalog.ts";
import { database, keeping } from "../database.ts";
import { Problem } from "../protocol.ts";
import type { KeptModels, Progress, StoredModel } from "../protocol.ts";
import { openShelf, shelves } from "../shelf.ts";
import type { TokenizerFile } from "../tokenizer.ts";

/** Names of shelves whose conversion is not finished begin so. */
export const UNFINISHED = "adding-";

/** The part of `pack.json` that is used here. */
export interface PackManifest {
  id: string;
  name: string;
  files: [Pin];
  /** Of the checkpoint's own tokenizer, where it brought one. */
  tokenizer?: Pin;
}

/** What splits captions for a model: its own tokenizer, or the site's. */
export function tokenizerOf({ manifest }: StoredModel, site: TokenizerFile | null): TokenizerFile | null {
  const own = (JSON.parse(manifest) as PackManifest).tokenizer;
  return own === undefined || own.sha256 === site?.sha256 ? site : { ...own, url: null };
}

/** The lock under which a shelf of that name is written. */
export function turnOf(shelf: string): string {
  return `safelight-${shelf}`;
}

/** The newest first, and how much unfinished ones take that nobody is adding now. */
export async function keptModels(): Promise<KeptModels> {
  const models = await (await database()).getAll("models");
  const held = (await navigator.locks?.query())?.held?.map(({ name }) => name) ?? [];
  const unfinished = (await shelves()).filter(({ name }) => name.startsWith(UNFINISHED) && !held.includes(turnOf(name)));
  return {
    models: models.sort((a, b) => b.added.localeCompare(a.added)),
    unfinished: unfinished.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

export async function keepModel(model: StoredModel): Promise<void> {
  await keeping((db) => db.put("models", model, model.sha256));
}

/** Deletes a model and what was computed with it; `null`: all that is unfinished, but for what another tab is adding now. */
export async function dropModel(sha256: string | null): Promise<void> {
  if (sha256 === null) {
    for (const { name } of await shelves()) {
      if (!name.startsWith(UNFINISHED)) continue;
      const remove = async (): Promise<void> => (await openShelf(name))?.remove();
      if (navigator.locks === undefined) await remove();
      else await navigator.locks.request(turnOf(name), { ifAvailable: true }, (turn) => (turn === null ? undefined : remove()));
    }
    return;
  }
  const db = await database();
  const model = await db.get("models", sha256);
  await db.delete("models", sha256); // first: a model without its description is not offered any more
  await db.delete("features", IDBKeyRange.bound([sha256], [sha256, []]));
  await (await openShelf(sha256))?.remove();
  const own = model === undefined ? null : tokenizerOf(model, null);
  const others = await db.getAll("models");
  if (own !== null && others.every((other) => tokenizerOf(other, null)?.sha256 !== own.sha256)) await (await openShelf(own.sha256))?.remove();
}

/** The description of a kept model. */
export async function keptModel(sha256: string): Promise<StoredModel> {
  const model = await (await database()).get("models", sha256);
  if (model === undefined) throw new Problem("pack-missing", "The model that you chose is no longer in this browser.");
  return model;
}

/** Its weights, in order. Whether they are what was written is decided in Rust, by their SHA-256. */
export async function* readKept({ sha256, bytes }: StoredModel, signal: AbortSignal, report: (progress: Progress) => void): AsyncGenerator<Uint8Array> {
  const shelf = await openShelf(sha256);
  if (shelf === null) throw new Problem("pack-missing", "This browser does not give back what it keeps.");
  let done = 0;
  for await (const chunk of shelf.chunks()) {
    signal.throwIfAborted();
    done += chunk.length;
    report({ stage: "load", done, total: bytes });
    yield chunk;
  }
}
