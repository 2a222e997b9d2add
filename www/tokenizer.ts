/** The tokenizer's file: fetched when the first caption comes, and kept in this browser from then on. */
import { fetchPinned } from "./catalog.ts";
import type { PinnedFile } from "./catalog.ts";
import { openShelf } from "./shelf.ts";
import type { Shelf } from "./shelf.ts";

export async function readTokenizer(file: PinnedFile, signal: AbortSignal): Promise<Uint8Array> {
  const shelf = await openShelf(file.sha256);
  const kept = await keptIn(shelf, file.bytes);
  if (kept !== null) return kept;
  const fetched = await fetchPinned(file, signal);
  await keep(shelf, fetched);
  return fetched;
}

async function keptIn(shelf: Shelf | null, bytes: number): Promise<Uint8Array | null> {
  if (shelf === null || (await shelf.length()) !== bytes) return null;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for await (const chunk of shelf.chunks()) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Without room it is fetched again next time. */
async function keep(shelf: Shelf | null, bytes: Uint8Array): Promise<void> {
  try {
    if (((await shelf?.length()) ?? 0) > 0) await shelf?.remove(); // one that was written in part
    await shelf?.append(bytes);
    await shelf?.settle();
  } catch {
    await shelf?.remove().catch(() => undefined);
  }
}
