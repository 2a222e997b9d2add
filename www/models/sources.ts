/** Where a checkpoint's files lie: files that a person chose, a folder of this site, or the Hugging Face hub. */
import { asProblem, Problem } from "../protocol.ts";
import type { ModelSource } from "../protocol.ts";

/** What is known of a file before it is read. */
export interface FileFacts {
  name: string;
  bytes: number;
  /** Changes when the file does: `ETag`, or the time of its last change. */
  tag: string;
}

export interface Source {
  /** What it is, for people: the pack says it. */
  readonly words: string;
  /** What a model from here is called, if nobody says otherwise. */
  readonly name: string;
  /** A small file, whole; `null` where there is none of that name. */
  text(name: string): Promise<string | null>;
  facts(name: string): Promise<FileFacts>;
  /** Bytes `start` to before `end`, in chunks. */
  read(file: FileFacts, start: number, end: number): AsyncGenerator<Uint8Array>;
  /** The name of the one weight file, where there is no index. */
  weights(): string;
}

const WHOLE = "model.safetensors";
export const INDEX = `${WHOLE}.index.json`;

/** Bytes that are asked for at once: of a piece that breaks, little is asked for again. */
const PIECE = 32 * 1024 * 1024;
/** Pauses before a broken connection is taken up again, in milliseconds. */
const RESUME_AFTER = [500, 2_000, 5_000];

/** `hub`: the address of the hub, `models`: the folder of this site's models. */
export function sourceOf(source: ModelSource, hub: string, signal: AbortSignal): Source {
  switch (source.kind) {
    case "files":
      return new Files(source.files);
    case "site": {
      const folder = new URL(source.folder.replace(/\/?$/, "/"), self.location.origin);
      if (folder.origin !== self.location.origin) throw new Problem("model-source", "That address is not on this site.");
      return new Web(folder, `${folder.pathname} of ${folder.host}`, folder.pathname.split("/").at(-2) ?? "", signal);
    }
    case "hub": {
      const { id, revision } = source;
      const part = "[\\w-][\\w.-]*";
      if (!new RegExp(`^${part}/${part}$`).test(id) || !new RegExp(`^${part}$`).test(revision))
        throw new Problem("model-source", "A model on the hub is called OWNER/NAME, as in openai/clip-vit-large-patch14.");
      const folder = new URL(`${id}/resolve/${revision}/`, hub.replace(/\/?$/, "/"));
      return new Web(folder, `${id}, revision ${revision}, of ${hub}`, id.split("/")[1] ?? id, signal);
    }
  }
}

class Files implements Source {
  readonly words: string;
  readonly name: string;
  readonly #files: Map<string, File>;

  constructor(files: readonly File[]) {
    this.#files = new Map(files.map((file) => [file.name, file]));
    this.words = files.map(({ name }) => name).sort().join(", ");
    const [first] = files;
    this.name = first?.webkitRelativePath.split("/")[0] || "my-model";
  }

  weights(): string {
    const [only, ...others] = [...this.#files.keys()].filter((name) => name.endsWith(".safetensors"));
    if (only === undefined || others.length > 0)
      throw new Problem("model-source", "Choose config.json with one .safetensors file, or with all its parts and their index.json.");
    return only;
  }

  async text(name: string): Promise<string | null> {
    return (await this.#files.get(name)?.text()) ?? null;
  }

  async facts(name: string): Promise<FileFacts> {
    const { size, lastModified } = this.#file(name);
    return { name, bytes: size, tag: String(lastModified) };
  }

  async *read({ name }: FileFacts, start: number, end: number): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks(this.#file(name).slice(start, end).stream());
    } catch (thrown) {
      if (thrown instanceof DOMException && thrown.name === "NotReadableError")
        throw new Problem("picture-unreadable", `${name} could not be read.`);
      throw thrown;
    }
  }

  #file(name: string): File {
    const file = this.#files.get(name);
    if (file === undefined) throw new Problem("model-source", `${name} is missing among the files.`);
    return file;
  }
}

class Web implements Source {
  readonly words: string;
  readonly name: string;
  readonly #folder: URL;
  readonly #signal: AbortSignal;

  constructor(folder: URL, words: string, name: string, signal: AbortSignal) {
    this.#folder = folder;
    this.words = words;
    this.name = name;
    this.#signal = signal;
  }

  weights(): string {
    return WHOLE;
  }

  async text(name: string): Promise<string | null> {
    const response = await this.#fetch(name, {});
    if (response.status === 404) return null;
    return (await usable(response, name, this.#folder)).text();
  }

  async facts(name: string): Promise<FileFacts> {
    const response = await usable(await this.#fetch(name, { method: "HEAD" }), name, this.#folder);
    const bytes = Number(response.headers.get("Content-Length"));
    if (!(bytes > 0)) throw new Problem("network", `${this.#folder.host} does not say how long ${name} is.`);
    return { name, bytes, tag: response.headers.get("ETag") ?? "" };
  }

  /** A connection that breaks is taken up again where it broke, a few times. */
  async *read(file: FileFacts, start: number, end: number): AsyncGenerator<Uint8Array> {
    let at = start;
    let broken = 0;
    while (at < end) {
      const until = Math.min(end, at + PIECE);
      try {
        const response = await usable(await this.#fetch(file.name, { headers: { Range: `bytes=${at}-${until - 1}` } }), file.name, this.#folder);
        const tag = response.headers.get("ETag") ?? "";
        if (response.status !== 206 || (file.tag !== "" && tag !== "" && tag !== file.tag)) {
          await response.body?.cancel();
          const why = response.status === 206 ? `${file.name} was changed while it was read.` : `${this.#folder.host} sends no parts of files.`;
          throw new Problem("model-source", why);
        }
        if (response.body === null) throw new Problem("network", "Nothing came.");
        for await (const chunk of chunks(response.body)) {
          if (at + chunk.length > until) throw new Problem("model-source", `${this.#folder.host} sends more than was asked for.`);
          at += chunk.length;
          broken = 0;
          yield chunk;
        }
        if (at < until) throw new Problem("network", "The connection ended early.");
      } catch (thrown) {
        const problem = asProblem(thrown, "network");
        const pause = RESUME_AFTER[broken];
        if (problem.code !== "network" || pause === undefined) throw problem;
        broken += 1;
        await new Promise((resolve) => setTimeout(resolve, pause));
        this.#signal.throwIfAborted();
      }
    }
  }

  async #fetch(name: string, init: RequestInit): Promise<Response> {
    try {
      // The pack is kept here; a copy in the HTTP cache would only take room.
      return await fetch(new URL(name, this.#folder), { ...init, signal: this.#signal, cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
    } catch (thrown) {
      const problem = asProblem(thrown, "network");
      throw problem.code === "cancelled" ? problem : new Problem("network", `${name} could not be fetched from ${this.#folder.host}.`);
    }
  }
}

async function usable(response: Response, name: string, folder: URL): Promise<Response> {
  if (response.ok) return response;
  await response.body?.cancel();
  if ([401, 403, 404].includes(response.status)) throw new Problem("model-source", `${folder.host} has no ${name} there, or keeps it from the public.`);
  throw new Problem("network", `${folder.host} answered ${response.status} for ${name}.`);
}

async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
