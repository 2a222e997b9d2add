/** A folder of files on a server that sends parts of them. */
import { bodyOf, fetchAlive } from "../alive.ts";
import { chunks } from "../chunks.ts";
import { asProblem, Problem } from "../protocol.ts";
import { WHOLE } from "./source.ts";
import type { FileFacts, Source } from "./source.ts";

/** Bytes that are asked for at once: of a piece that breaks, little is asked for again. */
const PIECE = 32 * 1024 * 1024;
/** Pauses before a broken connection is taken up again, in milliseconds. */
const RESUME_AFTER = [500, 2_000, 5_000];

export class Web implements Source {
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
    return new TextDecoder().decode(await bodyOf(await usable(response, name, this.#folder), name));
  }

  async facts(name: string): Promise<FileFacts> {
    const response = await usable(await this.#fetch(name, { method: "HEAD" }), name, this.#folder);
    const bytes = Number(response.headers.get("Content-Length"));
    if (!(bytes > 0)) throw new Problem("network", `${this.#folder.host} does not say how long ${name} is.`);
    const tag = response.headers.get("ETag") ?? "";
    return { name, bytes, tag, sha256: /^"([0-9a-f]{64})"$/.exec(tag)?.[1] ?? null };
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
      return await fetchAlive(new URL(name, this.#folder), { ...init, signal: this.#signal, cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
    } catch (thrown) {
      const problem = asProblem(thrown, "network");
      throw thrown instanceof Problem || problem.code === "cancelled" ? problem : new Problem("network", `${name} could not be fetched from ${this.#folder.host}.`);
    }
  }
}

async function usable(response: Response, name: string, folder: URL): Promise<Response> {
  if (response.ok) return response;
  await response.body?.cancel();
  if ([401, 403, 404].includes(response.status)) throw new Problem("model-source", `${folder.host} has no ${name} there, or keeps it from the public.`);
  throw new Problem("network", `${folder.host} answered ${response.status} for ${name}.`);
}
