/** `models/catalog.json`: which packs and heads the site offers, and where they lie. */
import { bodyOf, fetchAlive } from "./alive.ts";
import { hash } from "./hash.ts";
import { asProblem, Problem } from "./protocol.ts";
import type { OpenInput } from "./protocol.ts";

/** The part of the catalogue that a browser uses. Addresses are relative to the folder of the catalogue. */
interface Catalog {
  default: { pack: string; head: string };
  /** Where models are fetched from when a person asks for one by its id on the hub. */
  hub?: string;
  packs: { id: string; url: string }[];
  heads: ({ id: string; pack: string; url: string } & Pin)[];
  /** Absent where no pack reads captions. */
  tokenizer?: { url: string } & Pin;
}

/** What a file must be, so that one that arrived in part is not taken for a bad one. */
export interface Pin {
  bytes: number;
  sha256: string;
}

/** A file of the site whose content is known beforehand. */
export interface PinnedFile extends Pin {
  url: URL;
}

/** The Hugging Face hub: the one host beside the site's own that the page may ask, and does when a person says so. */
const HUB = "https://huggingface.co";

/** Absolute addresses of the pack's folder, the head's file, and the hub. */
export interface Choice {
  hub: string;
  pack: URL;
  head: PinnedFile;
  /** What splits captions. */
  tokenizer: PinnedFile | null;
}

export async function readCatalog(input: OpenInput, signal: AbortSignal): Promise<Choice> {
  const catalog = JSON.parse(await fetchText(new URL("catalog.json", input.models), signal)) as Catalog;
  const packId = input.pack ?? catalog.default.pack;
  const pack = catalog.packs.find(({ id }) => id === packId);
  if (pack === undefined) throw new Problem("pack-manifest", `This site offers no model called ${packId}.`);
  const headId = input.head ?? (packId === catalog.default.pack ? catalog.default.head : null);
  const head = catalog.heads.find(({ id, pack }) => (headId === null ? pack === packId : id === headId));
  if (head === undefined) throw new Problem("head-format", `This site offers no head ${headId ?? `for ${packId}`}.`);
  const pinned = ({ url, bytes, sha256 }: { url: string } & Pin): PinnedFile => ({ url: new URL(url, input.models), bytes, sha256 });
  const hub = catalog.hub === undefined ? HUB : new URL(catalog.hub, input.models).href;
  return { hub, pack: new URL(pack.url, input.models), head: pinned(head), tokenizer: catalog.tokenizer === undefined ? null : pinned(catalog.tokenizer) };
}

export async function fetchText(url: URL, signal: AbortSignal): Promise<string> {
  return new TextDecoder().decode(await bodyOf(await fetchFile(url, { signal }), basename(url)));
}

/**
 * The file, as it was published. Firefox hands out half a file when the service worker, whose own fetch of it filled
 * the HTTP cache, gives up in the middle (a half-deployed site); the second try goes around that cache.
 */
export async function fetchPinned({ url, bytes, sha256 }: PinnedFile, signal: AbortSignal): Promise<Uint8Array> {
  for (const cache of ["default", "reload"] as const) {
    const file = await bodyOf(await fetchFile(url, { signal, cache }), basename(url));
    if (file.length === bytes && (!isSecureContext || (await hash(file)) === sha256)) return file; // elsewhere nothing can hash
  }
  throw new Problem("network", `${basename(url)} did not arrive as it was published.`);
}

/** `fetch` that throws `network` for everything but an answer that can be used. */
export async function fetchFile(url: URL, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetchAlive(url, init);
  } catch (thrown) {
    const problem = asProblem(thrown, "network");
    throw thrown instanceof Problem || problem.code === "cancelled" ? problem : new Problem("network", `${basename(url)} could not be fetched.`);
  }
  if (!response.ok) throw new Problem("network", `The server answered ${response.status} for ${basename(url)}.`);
  return response;
}

function basename(url: URL): string {
  return url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
}
