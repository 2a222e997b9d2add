/** Where a pack's bytes are kept in this browser: OPFS, else Cache storage, else nowhere. */

/** One file under its SHA-256. It may be partial: its length says how far a download came. */
export interface Shelf {
  length(): Promise<number>;
  /** The kept bytes, in order, a few MiB at a time. */
  chunks(): AsyncGenerator<Uint8Array>;
  append(bytes: Uint8Array): Promise<void>;
  /** Everything appended is on disk, and other tabs can read it. */
  settle(): Promise<void>;
  /** The server's strong validator of the bytes, for `If-Range`. */
  tag(): Promise<string | null>;
  setTag(tag: string): Promise<void>;
  remove(): Promise<void>;
}

const CHUNK = 4 * 1024 * 1024;
/** A terminated worker's file handle stays locked for a moment. */
const LOCKED_RETRIES = 20;
const LOCKED_PAUSE_MS = 100;

/** `null` where the browser keeps nothing (private windows of some browsers). */
export async function openShelf(sha256: string): Promise<Shelf | null> {
  try {
    if (typeof FileSystemFileHandle !== "undefined" && "createSyncAccessHandle" in FileSystemFileHandle.prototype) {
      const root = await navigator.storage.getDirectory();
      return new OpfsShelf(await root.getDirectoryHandle("packs", { create: true }), sha256);
    }
  } catch {
    // fall through: this browser has the interface but refuses it here
  }
  try {
    return new CacheShelf(await caches.open("safelight-packs"), sha256);
  } catch {
    return null;
  }
}

class OpfsShelf implements Shelf {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #name: string;
  #writer: { handle: FileSystemSyncAccessHandle; at: number } | null = null;

  constructor(folder: FileSystemDirectoryHandle, sha256: string) {
    this.#folder = folder;
    this.#name = sha256;
  }

  async length(): Promise<number> {
    return (await this.#file(this.#name))?.size ?? 0;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const file = await this.#file(this.#name);
    if (file === null) return;
    for (let at = 0; at < file.size; at += CHUNK)
      yield new Uint8Array(await file.slice(at, at + CHUNK).arrayBuffer());
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#writer ??= await this.#openWriter();
    const written = this.#writer.handle.write(bytes as Uint8Array<ArrayBuffer>, { at: this.#writer.at });
    this.#writer.at += written;
    if (written < bytes.length) throw new DOMException("The disk is full.", "QuotaExceededError");
  }

  async settle(): Promise<void> {
    this.#writer?.handle.flush();
    this.#writer?.handle.close();
    this.#writer = null;
  }

  async tag(): Promise<string | null> {
    return (await this.#file(`${this.#name}.etag`))?.text() ?? null;
  }

  async setTag(tag: string): Promise<void> {
    const handle = await this.#handle(`${this.#name}.etag`);
    try {
      handle.truncate(0);
      handle.write(new TextEncoder().encode(tag));
    } finally {
      handle.close();
    }
  }

  async remove(): Promise<void> {
    await this.settle();
    for (const name of [this.#name, `${this.#name}.etag`]) await this.#folder.removeEntry(name).catch(ignoreMissing);
  }

  async #openWriter(): Promise<{ handle: FileSystemSyncAccessHandle; at: number }> {
    const handle = await this.#handle(this.#name);
    return { handle, at: handle.getSize() };
  }

  async #handle(name: string): Promise<FileSystemSyncAccessHandle> {
    const file = await this.#folder.getFileHandle(name, { create: true });
    for (let retry = 0; ; retry += 1) {
      try {
        return await file.createSyncAccessHandle();
      } catch (thrown) {
        const locked = thrown instanceof DOMException && thrown.name === "NoModificationAllowedError";
        if (!locked || retry === LOCKED_RETRIES) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, LOCKED_PAUSE_MS));
      }
    }
  }

  async #file(name: string): Promise<File | null> {
    try {
      return await (await this.#folder.getFileHandle(name)).getFile();
    } catch (thrown) {
      ignoreMissing(thrown);
      return null;
    }
  }
}

/** The same over Cache storage: each chunk is one entry, `/packs/SHA/INDEX`. */
class CacheShelf implements Shelf {
  readonly #cache: Cache;
  readonly #prefix: string;
  #pending: Uint8Array[] = [];

  constructor(cache: Cache, sha256: string) {
    this.#cache = cache;
    this.#prefix = new URL(`/packs/${sha256}/`, location.origin).href;
  }

  async length(): Promise<number> {
    let length = 0;
    for (const entry of await this.#entries()) length += Number(entry.headers.get("content-length"));
    return length;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (const entry of await this.#entries()) yield new Uint8Array(await entry.arrayBuffer());
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes);
    if (this.#pending.reduce((sum, { length }) => sum + length, 0) >= CHUNK) await this.settle();
  }

  async settle(): Promise<void> {
    if (this.#pending.length === 0) return;
    const body = new Blob(this.#pending as Uint8Array<ArrayBuffer>[]);
    this.#pending = [];
    const index = (await this.#entries()).length;
    const headers = { "content-length": String(body.size) };
    await this.#cache.put(`${this.#prefix}${index}`, new Response(body, { headers }));
  }

  async tag(): Promise<string | null> {
    return (await (await this.#cache.match(`${this.#prefix}etag`))?.text()) ?? null;
  }

  async setTag(tag: string): Promise<void> {
    await this.#cache.put(`${this.#prefix}etag`, new Response(tag));
  }

  async remove(): Promise<void> {
    this.#pending = [];
    for (const { url } of await this.#cache.keys()) if (url.startsWith(this.#prefix)) await this.#cache.delete(url);
  }

  async #entries(): Promise<Response[]> {
    const entries: Response[] = [];
    for (;;) {
      const entry = await this.#cache.match(`${this.#prefix}${entries.length}`);
      if (entry === undefined) return entries;
      entries.push(entry);
    }
  }
}

function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof DOMException && thrown.name === "NotFoundError")) throw thrown;
}
