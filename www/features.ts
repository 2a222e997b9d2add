/** Features in the browser: computed once for a picture, a pack, a feature specification and a treatment. */
import { database, keeping } from "./database.ts";
import { fromHalf, toHalf } from "./half.ts";
import { hash } from "./hash.ts";
import { Problem } from "./protocol.ts";
import type { Embedded, Facts } from "./safelight.js";

/** In the place of a specification, for the rows of captions. */
export const CAPTION = "caption";

export class FeatureStore {
  readonly #pack: string;
  readonly #spec: string;
  readonly #dimension: number;
  readonly #caption: number;

  /** For the features of one pack (by SHA-256) under one specification. */
  constructor(pack: string, spec: { key: string; dimension: number; caption: number }) {
    this.#pack = pack;
    this.#spec = spec.key;
    this.#dimension = spec.dimension;
    this.#caption = spec.caption;
  }

  get readsCaptions(): boolean {
    return this.#caption > 0;
  }

  /** The kept row of a caption; `null` when there is none. */
  async caption(words: string): Promise<Float32Array | null> {
    const half = await (await database()).get("features", await this.#captionKey(words));
    if (half?.length !== this.#caption) return null;
    const row = new Float32Array(this.#caption);
    fromHalf(half, row, 0);
    return row;
  }

  async putCaption(words: string, row: Float32Array): Promise<void> {
    const key = await this.#captionKey(words);
    await keeping((db) => db.put("features", toHalf(row), key));
  }

  async facts(picture: string): Promise<Facts | undefined> {
    return (await database()).get("facts", picture);
  }

  /** Which of `treatments` are not kept, in order. */
  async missing(picture: string, treatments: readonly string[]): Promise<string[]> {
    const { store } = (await database()).transaction("features");
    const found = await Promise.all(treatments.map((treatment) => store.getKey(this.#key(picture, treatment))));
    return treatments.filter((_, index) => found[index] === undefined);
  }

  /** Facts and the rows of `treatments`, all or none. `features`: `[treatments, d]`. */
  async put({ facts, features }: Embedded, treatments: readonly string[]): Promise<void> {
    const d = this.#dimension;
    if (features.length !== treatments.length * d)
      throw new Problem("worker-crashed", `${features.length} features instead of ${treatments.length} × ${d}.`);
    await keeping(async (db) => {
      const transaction = db.transaction(["facts", "features"], "readwrite");
      const writes = treatments.map((treatment, row) =>
        transaction.objectStore("features").put(toHalf(features.subarray(row * d, (row + 1) * d)), this.#key(facts.sha256, treatment)),
      );
      await Promise.all([transaction.objectStore("facts").put(facts, facts.sha256), ...writes, transaction.done]);
    });
  }

  /** The rows of `treatments` in order, `[treatments, d]`; `null` when one is not kept. */
  async rows(picture: string, treatments: readonly string[]): Promise<Float32Array | null> {
    const { store } = (await database()).transaction("features");
    const halves = await Promise.all(treatments.map((treatment) => store.get(this.#key(picture, treatment))));
    const rows = new Float32Array(treatments.length * this.#dimension);
    for (const [row, half] of halves.entries()) {
      if (half?.length !== this.#dimension) return null;
      fromHalf(half, rows, row * this.#dimension);
    }
    return rows;
  }

  /** Captions have no treatments, and their rows are those of the pack under every specification. */
  async #captionKey(words: string): Promise<[string, string, string, string]> {
    return [this.#pack, CAPTION, await hash(new TextEncoder().encode(words)), ""];
  }

  #key(picture: string, treatment: string): [string, string, string, string] {
    return [this.#pack, this.#spec, picture, treatment];
  }
}

/** Room that features take, in bytes a row. */
export const bytesOfRow = (dimension: number): number => dimension * Uint16Array.BYTES_PER_ELEMENT;
