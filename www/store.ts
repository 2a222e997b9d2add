/**
 * The pack in the browser: what is kept is read back, what is missing is downloaded and kept on the way.
 * Bytes go straight to the detector, so no copy of the model waits in memory. Whether they are the published
 * ones is decided in Rust, by their SHA-256, at every load; a wrong file is forgotten and fetched once more.
 */
import { fetchAlive } from "./alive.ts";
import { chunks } from "./chunks.ts";
import { asProblem, Problem } from "./protocol.ts";
import type { Notice, Progress } from "./protocol.ts";
import { openShelf } from "./shelf.ts";
import type { Shelf } from "./shelf.ts";

export interface PackOptions {
  signal: AbortSignal;
  report: (progress: Progress) => void;
  /** Receives what the person should know. */
  notices: Notice[];
}

interface PackFile {
  name: string;
  bytes: number;
  sha256: string;
}

/** Pauses before a broken download is taken up again by itself, in milliseconds. */
const RESUME_AFTER = [500, 2_000, 5_000];
/** Milliseconds after which a file that waits for another tab says so again. */
const WAITING_MS = 30_000;

/** The pack's weight file, in order, in chunks. `folder` is where `pack.json` (here as text) was found. */
export async function* readPack(folder: URL, manifest: string, options: PackOptions): AsyncGenerator<Uint8Array> {
  const file = weightFile(manifest);
  const release = await exclusive(file, options);
  let shelf = isShipped(folder) ? null : await openShelf(file.sha256); // a second copy would be waste
  if (shelf === null && !isShipped(folder)) options.notices.push(storageNone);
  try {
    let at = (await shelf?.length()) ?? 0;
    if (at > file.bytes) {
      await shelf?.remove();
      at = 0;
    }
    let read = 0;
    if (shelf !== null && at > 0) {
      for await (const chunk of shelf.chunks()) {
        options.signal.throwIfAborted();
        read += chunk.length;
        options.report({ stage: "load", done: read, total: file.bytes });
        yield chunk;
      }
    }
    for await (const chunk of download(new URL(file.name, folder), file, read, shelf, options)) {
      shelf = await keep(shelf, chunk, options.notices);
      yield chunk;
    }
  } finally {
    await shelf?.settle().catch(() => undefined);
    release();
  }
}

/** Whether the files lie in this program (an extension) rather than on a server. */
function isShipped(url: URL): boolean {
  return url.protocol !== "https:" && url.protocol !== "http:";
}

/** Deletes what is kept of the pack, so that the next `readPack` downloads it. */
export async function forgetPack(manifest: string): Promise<void> {
  const shelf = await openShelf(weightFile(manifest).sha256);
  await shelf?.remove();
}

const storageNone: Notice = {
  code: "storage-none",
  message: "This browser keeps nothing in this window, so the model is downloaded at each visit.",
};

const storageFull: Notice = {
  code: "storage-full",
  message: "There is no room to keep the model in this browser. It works now, and is downloaded again next time.",
};

/** Keeps one chunk; when there is no room, gives the room back and goes on without. */
async function keep(shelf: Shelf | null, chunk: Uint8Array, notices: Notice[]): Promise<Shelf | null> {
  if (shelf === null) return null;
  try {
    await shelf.append(chunk);
    return shelf;
  } catch {
    notices.push(storageFull);
    await shelf.remove().catch(() => undefined);
    return null;
  }
}

/** The bytes from `start` on. A connection that breaks is resumed where it broke, a few times. */
async function* download(
  url: URL,
  file: PackFile,
  start: number,
  shelf: Shelf | null,
  { signal, report }: PackOptions,
): AsyncGenerator<Uint8Array> {
  const stage = isShipped(url) ? "load" : "download";
  let at = start;
  let tag = start > 0 ? ((await shelf?.tag()) ?? null) : null;
  let resumed = 0;
  while (at < file.bytes) {
    report({ stage, done: at, total: file.bytes });
    try {
      const response = await request(url, at, tag, signal);
      tag = strongTag(response);
      if (tag !== null) await shelf?.setTag(tag).catch(() => undefined);
      for await (const chunk of response.body === null ? [] : chunks(response.body)) {
        at += chunk.length;
        if (at > file.bytes) throw new Problem("pack-length", `The server sends more than the ${file.bytes} bytes of the model.`);
        report({ stage, done: at, total: file.bytes });
        resumed = 0;
        yield chunk;
      }
      if (at < file.bytes) throw new Problem("network", "The connection ended early.");
    } catch (thrown) {
      const problem = asProblem(thrown, "network");
      const pause = RESUME_AFTER[resumed];
      if (problem.code !== "network" || pause === undefined || !navigator.onLine) throw problem;
      resumed += 1;
      await new Promise((resolve) => setTimeout(resolve, pause));
      signal.throwIfAborted();
    }
  }
}

async function request(url: URL, at: number, tag: string | null, signal: AbortSignal): Promise<Response> {
  const headers = new Headers();
  if (at > 0) headers.set("Range", `bytes=${at}-`);
  if (at > 0 && tag !== null) headers.set("If-Range", tag);
  // The pack is kept here; a second copy in the HTTP cache would only take room.
  const response = await fetchAlive(url, { headers, signal, cache: "no-store" });
  if (at > 0 && (response.status === 200 || response.status === 416)) {
    await response.body?.cancel();
    throw new Problem("pack-changed", "The model on the server is not the one whose download had begun.");
  }
  if (!response.ok) throw new Problem("network", `The server answered ${response.status} for the model.`);
  return response;
}

function strongTag(response: Response): string | null {
  const tag = response.headers.get("ETag");
  return tag === null || tag.startsWith("W/") ? null : tag;
}

/** Waits until no other tab reads or writes the file. A worker that ends gives its turn up by itself. */
async function exclusive(file: PackFile, { signal, report }: PackOptions): Promise<() => void> {
  if (navigator.locks === undefined) return () => undefined;
  const waiting = (): void => report({ stage: "wait", done: 0, total: file.bytes });
  waiting();
  const alive = setInterval(waiting, WAITING_MS); // the other tab may download for long, and silence would be taken for a hang
  const turn = new Promise<() => void>((resolve, reject) => {
    navigator.locks
      .request(`safelight-pack-${file.sha256}`, { signal }, () => new Promise<void>((release) => resolve(() => release())))
      .catch(reject);
  });
  return turn.finally(() => clearInterval(alive));
}

function weightFile(manifest: string): PackFile {
  let file: Partial<PackFile> | undefined;
  try {
    file = (JSON.parse(manifest) as { files?: Partial<PackFile>[] }).files?.[0];
  } catch {
    throw new Problem("pack-manifest", "The model's description is not JSON.");
  }
  const { name, bytes, sha256 } = file ?? {};
  if (typeof name !== "string" || typeof bytes !== "number" || !/^[0-9a-f]{64}$/.test(sha256 ?? ""))
    throw new Problem("pack-manifest", "The model's description names no weight file.");
  return { name, bytes, sha256: sha256 as string };
}
