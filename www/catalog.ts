/** `models/catalog.json`: which packs and heads the site offers, and where they lie. */
import { asProblem, Problem } from "./protocol.ts";
import type { OpenInput } from "./protocol.ts";

/** The part of the catalogue that a browser uses. Addresses are relative to the folder of the catalogue. */
interface Catalog {
  default: { pack: string; head: string };
  packs: { id: string; url: string }[];
  heads: { id: string; pack: string; url: string }[];
}

/** Absolute addresses of the pack's folder and the head's file. */
export interface Choice {
  pack: URL;
  head: URL;
}

export async function readCatalog(input: OpenInput, signal: AbortSignal): Promise<Choice> {
  const catalog = JSON.parse(await fetchText(new URL("catalog.json", input.models), signal)) as Catalog;
  const packId = input.pack ?? catalog.default.pack;
  const pack = catalog.packs.find(({ id }) => id === packId);
  if (pack === undefined) throw new Problem("pack-manifest", `This site offers no model called ${packId}.`);
  const headId = input.head ?? (packId === catalog.default.pack ? catalog.default.head : null);
  const head = catalog.heads.find(({ id, pack }) => (headId === null ? pack === packId : id === headId));
  if (head === undefined) throw new Problem("head-format", `This site offers no head ${headId ?? `for ${packId}`}.`);
  return { pack: new URL(pack.url, input.models), head: new URL(head.url, input.models) };
}

export async function fetchText(url: URL, signal: AbortSignal): Promise<string> {
  return (await fetchFile(url, { signal })).text();
}

export async function fetchBytes(url: URL, signal: AbortSignal): Promise<Uint8Array> {
  return new Uint8Array(await (await fetchFile(url, { signal })).arrayBuffer());
}

/** `fetch` that throws `network` for everything but an answer that can be used. */
export async function fetchFile(url: URL, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (thrown) {
    const problem = asProblem(thrown, "network");
    throw problem.code === "cancelled" ? problem : new Problem("network", `${basename(url)} could not be fetched.`);
  }
  if (!response.ok) throw new Problem("network", `The server answered ${response.status} for ${basename(url)}.`);
  return response;
}

function basename(url: URL): string {
  return url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
}
