/** The tokenizer's file: fetched when the first caption comes, or brought by a model, and kept in this browser from then on. */
import { fetchPinned } from "./catalog.ts";
import type { Pin } from "./catalog.ts";
import { hash } from "./hash.ts";
import { Problem } from "./protocol.ts";
import { openShelf } from "./shelf.ts";
import type { Shelf } from "./shelf.ts";

/** The site's, or (`url` is `null`) one that a model brought, which lies nowhere else. */
export interface TokenizerFile extends Pin {
  url: URL | null;
}

export async function readTokenizer({ url, bytes, sha256 }: TokenizerFile, signal: AbortSignal): Promise<Uint8Array> {
  const shelf = await openShelf(sha256);
  const kept = await keptIn(shelf, { bytes, sha256 });
  if (kept !== null) return kept;
  if (url === null) throw new Problem("caption-unreadable", "The tokenizer that came with this model is no longer in this browser. Add the model again.");
  const fetched = await fetchPinned({ url, bytes, sha256 }, signal);
  await keep(shelf, fetched).catch(() => undefined); // without room it is fetched again next time
  return fetched;
}

/** Keeps the tokenizer that a model brings. */
export async function keepTokenizer(sha256: string, bytes: Uint8Array): Promise<void> {
  const shelf = await openShelf(sha256);
  if ((await keptIn(shelf, { bytes: bytes.length, sha256 })) === null) await keep(shelf, bytes);
}

async function keptIn(shelf: Shelf | null, { bytes, sha256 }: Pin): Promise<Uint8Array | null> {
  if (shelf === null || (await shelf.length()) !== bytes) return null;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for await (const chunk of shelf.chunks()) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return !isSecureContext || (await hash(whole)) === sha256 ? whole : null; // elsewhere nothing can hash
}

async function keep(shelf: Shelf | null, bytes: Uint8Array): Promise<void> {
  try {
    if (((await shelf?.length()) ?? 0) > 0) await shelf?.remove(); // one that was written in part
    await shelf?.append(bytes);
    await shelf?.settle();
  } catch (thrown) {
    await shelf?.remove().catch(() => undefined);
    throw thrown;
  }
}
