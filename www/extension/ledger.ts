/**
 * What the room would lose if the browser ended it: kept in the browser's memory for this session, never on disk.
 * Chromium does not end the room, so there it keeps nothing.
 */
import { sessionMemory } from "./browser.ts";
import type { Entry, Place } from "./messages.ts";
import { dataUrlOf } from "./pictures.ts";

/** Longest picture that is kept; the browser gives an extension 10 MB in all. */
const LONGEST = 2_000_000;
const PICTURE = "picture:";

export interface Saved {
  entries: Entry[];
  places: [string, Place][];
}

export class Ledger {
  readonly #memory = sessionMemory();

  async read(): Promise<Saved & { pictures: Map<string, string> }> {
    const all = (await this.#memory?.get(null)) ?? {};
    const { entries = [], places = [] } = (all["saved"] ?? {}) as Partial<Saved>;
    const pictures = Object.entries(all).filter(([key]) => key.startsWith(PICTURE));
    return { entries, places, pictures: new Map(pictures.map(([key, data]) => [key.slice(PICTURE.length), String(data)])) };
  }

  async write(entries: Entry[], places: [string, Place][]): Promise<void> {
    const saved: Saved = { entries, places };
    await this.#memory?.set({ saved }).catch(() => undefined); // no room: it would be lost, nothing else
  }

  /** A picture that has no verdict yet. */
  async keep(id: string, picture: Blob): Promise<void> {
    if (this.#memory === null || picture.size > LONGEST) return;
    await this.#memory.set({ [PICTURE + id]: await dataUrlOf(picture) }).catch(() => undefined);
  }

  async drop(id: string): Promise<void> {
    await this.#memory?.remove(PICTURE + id);
  }
}
