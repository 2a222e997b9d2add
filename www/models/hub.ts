/** A checkpoint on the Hugging Face hub. */
import { fetchAlive } from "../alive.ts";
import { Problem } from "../protocol.ts";
import type { FileFacts } from "./source.ts";
import { Web } from "./web.ts";

/** The part of the hub's answer about a model that is used here. */
interface Listing {
  /** The commit that the revision stands for. */
  sha: string;
  siblings: { rfilename: string; lfs?: { sha256: string; size: number } }[];
}

/** `hub` ends in a slash. */
export async function openHub(hub: string, id: string, revision: string, signal: AbortSignal): Promise<Web> {
  const part = "[\\w-][\\w.-]*";
  if (!new RegExp(`^${part}/${part}$`).test(id) || !new RegExp(`^${part}$`).test(revision))
    throw new Problem("model-source", "A model on the hub is called OWNER/NAME, as in openai/clip-vit-large-patch14.");
  const listing = await list(new URL(`api/models/${id}/revision/${revision}?blobs=true`, hub), signal);
  // From here on the same commit, whatever is pushed meanwhile.
  const commit = listing?.sha ?? revision;
  return new Hub(new URL(`${id}/resolve/${commit}/`, hub), `${id}, revision ${commit}, of ${hub}`, id.split("/")[1] ?? id, signal, listing);
}

class Hub extends Web {
  readonly #listing: Listing | null;

  constructor(folder: URL, words: string, name: string, signal: AbortSignal, listing: Listing | null) {
    super(folder, words, name, signal);
    this.#listing = listing;
  }

  /**
   * A browser does not show the header that names a large file's SHA-256, because it stands in a redirection; the
   * listing has it too.
   */
  override async facts(name: string): Promise<FileFacts> {
    const large = this.#listing?.siblings.find(({ rfilename }) => rfilename === name)?.lfs;
    const facts = await super.facts(name);
    if (large === undefined) return facts;
    if (facts.bytes !== large.size) throw new Problem("model-source", `${name} has ${facts.bytes} bytes instead of ${large.size}.`);
    return { ...facts, sha256: large.sha256 };
  }
}

/** `null` from a mirror that lists nothing: its files are then read without. */
async function list(url: URL, signal: AbortSignal): Promise<Listing | null> {
  try {
    const response = await fetchAlive(url, { signal, cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
    const listing = (await response.json()) as Partial<Listing>;
    return /^[0-9a-f]{40}$/.test(listing.sha ?? "") && Array.isArray(listing.siblings) ? (listing as Listing) : null;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
