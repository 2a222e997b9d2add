/** Where a pack's bytes are kept in this browser: OPFS, else Cache storage, else nowhere. For workers: elsewhere OPFS lacks its quick half. */

/** One file under its SHA-256 (or a name, until that is known). It may be partial: its length says how far it came. */
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
  /** Drops what follows the first `length` bytes. */
  truncate(length: number): Promise<void>;
  /** Another name for the same bytes; the old name is free again. */
  rename(name: string): Promise<void>;
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

/** The names of all shelves, with how much is on each. */
export async function shelves(): Promise<{ name: string; bytes: number }[]> {
  const found: { name: string; bytes: number }[] = [];
  try {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("packs", { create: true });
    for await (const handle of folder.values())
      if (handle.kind === "file") found.push({ name: handle.name, bytes: (await handle.getFile()).size });
  } catch {
    // no OPFS here
  }
  try {
    const names = (await (await caches.open("safelight-packs")).keys()).map(({ url }) => new URL(url).pathname.split("/")[2] ?? "");
    for (const name of new Set(names)) found.push({ name, bytes: (await (await openShelf(name))?.length()) ?? 0 });
  } catch {
    // no Cache storage here
  }
  return found;
}

class OpfsShelf implements Shelf {
  readonly #folder: FileSystemDirectoryHandle;
  #name: string;
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

  async truncate(length: number): Promise<void> {
    this.#writer ??= await this.#openWriter();
    this.#writer.handle.truncate(length);
    this.#writer.at = length;
    await this.settle();
  }

  async rename(name: string): Promise<void> {
    await this.settle();
    const file = await this.#folder.getFileHandle(this.#name, { create: true });
    await (file as MovableFile).move(name);
    this.#name = name;
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

/** `move` is in every browser with the rest of OPFS, and not yet in TypeScript's own types. */
type MovableFile = FileSystemFileHandle & { move(name: string): Promise<void> };

/** The same over Cache storage: each chunk is one entry, `/packs/SHA/INDEX`. */
class CacheShelf implements Shelf {
  readonly #cache: Cache;
  #prefix: string;
  #pending: Uint8Array[] = [];

  constructor(cache: Cache, sha256: string) {
    this.#cache = cache;
    this.#prefix = prefixOf(sha256);
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
    await this.#put((await this.#entries()).length, body);
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

  async truncate(length: number): Promise<void> {
    await this.settle();
    let at = 0;
    for (const [index, entry] of (await this.#entries()).entries()) {
      const end = at + Number(entry.headers.get("content-length"));
      if (at >= length) await this.#cache.delete(`${this.#prefix}${index}`);
      else if (end > length) await this.#put(index, (await entry.blob()).slice(0, length - at));
      at = end;
    }
  }

  async rename(name: string): Promise<void> {
    await this.settle();
    const from = this.#prefix;
    const to = prefixOf(name);
    const all = (await this.#cache.keys()).map(({ url }) => url);
    const mine = new Set<string>();
    for (const url of all.filter((url) => url.startsWith(from))) {
      const entry = await this.#cache.match(url);
      if (entry === undefined) continue;
      const moved = `${to}${url.slice(from.length)}`;
      mine.add(moved);
      await this.#cache.put(moved, entry);
      await this.#cache.delete(url);
    }
    // What else lay under that name is of another that had more entries.
    for (const url of all) if (url.startsWith(to) && !mine.has(url)) await this.#cache.delete(url);
    this.#prefix = to;
  }

  async #put(index: number, body: Blob): Promise<void> {
    const headers = { "content-length": String(body.size) };
    await this.#cache.put(`${this.#prefix}${index}`, new Response(body, { headers }));
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

function prefixOf(name: string): string {
  return new URL(`/packs/${name}/`, location.origin).href;
}

function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof DOMException && thrown.name === "NotFoundError")) throw thrown;
}
