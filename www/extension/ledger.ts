/**
 * What the room would lose if the browser ended it: kept in the browser's memory for this session, never on disk.
 * Chromium does not end the room, so there it keeps nothing.
 */
import { hasEnded } from "./messages.ts";
import type { Entry, Place } from "./messages.ts";
import { dataUrlOf } from "./pictures.ts";

/** Longest picture that is kept, in bytes. */
const LONGEST = 2_000_000;
/** Characters of all of them. The browser gives an extension 10 MB, may count two bytes for each, and the entries need some. */
const ALL = 4_000_000;
/** Longest address that is kept: beyond, a `data:` address is a picture itself. */
export const LONGEST_ADDRESS = 20_000;
const PICTURE = "picture:";

/** The part of `chrome.storage.session` that is used. */
export type Memory = Pick<chrome.storage.StorageArea, "get" | "set" | "remove">;

export interface Saved {
  entries: Entry[];
  places: [string, Place][];
}

export class Ledger {
  readonly #memory: Memory | null;
  /** Characters of each picture that is kept, by the entry's id. */
  readonly #kept = new Map<string, number>();
  /** What is written next. */
  #saved: Saved | null = null;
  /** Ends when all that was asked so far is done; never rejects. */
  #done: Promise<void> = Promise.resolve();

  constructor(memory: Memory | null) {
    this.#memory = memory;
  }

  /** What the room before this one left; pictures only of entries whose check has not ended. */
  async read(): Promise<Saved & { pictures: Map<string, string> }> {
    const all = (await this.#memory?.get(null)) ?? {};
    const { entries = [], places = [] } = (all["saved"] ?? {}) as Partial<Saved>;
    const open = new Set(entries.filter(({ state }) => !hasEnded(state)).map(({ id }) => id));
    const pictures = new Map<string, string>();
    for (const [key, data] of Object.entries(all)) {
      if (!key.startsWith(PICTURE)) continue;
      const id = key.slice(PICTURE.length);
      this.#kept.set(id, String(data).length);
      if (open.has(id)) pictures.set(id, String(data));
      else this.drop(id);
    }
    return { entries, places, pictures };
  }

  write(entries: Entry[], places: ReadonlyMap<string, Place>): void {
    const isNext = this.#saved !== null;
    this.#saved = { entries, places: [...places].filter(([, { url }]) => (url?.length ?? 0) <= LONGEST_ADDRESS) };
    if (isNext) return;
    this.#inTurn(async (memory) => {
      const saved = this.#saved;
      this.#saved = null;
      await memory.set({ saved });
    });
  }

  /** A picture that has no verdict yet, if there is room for it. */
  keep(id: string, picture: Blob): void {
    if (picture.size > LONGEST) return;
    this.#inTurn(async (memory) => {
      const data = await dataUrlOf(picture);
      const all = [...this.#kept.values()].reduce((sum, length) => sum + length, data.length);
      if (all > ALL) return;
      this.#kept.set(id, data.length);
      await memory.set({ [PICTURE + id]: data });
    });
  }

  drop(id: string): void {
    this.#inTurn(async (memory) => {
      if (this.#kept.delete(id)) await memory.remove(PICTURE + id);
    });
  }

  /** When all that was asked so far is done. */
  settled(): Promise<void> {
    return this.#done;
  }

  /** One after the other, so that a picture that is dropped while it is being kept is not there in the end. */
  #inTurn(work: (memory: Memory) => Promise<void>): void {
    const memory = this.#memory;
    if (memory === null) return;
    this.#done = this.#done.then(() => work(memory)).catch(() => undefined); // no room: it would be lost, nothing else
  }
}
