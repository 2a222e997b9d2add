/** Asks the background for a picture on a page. */
import { ask } from "./link.ts";
import type { Fetched, Place } from "./messages.ts";
import { SENTENCES } from "./sentences.ts";

/** The background may be stopped while it fetches. */
const ATTEMPTS = 3;

/** Never rejects. */
export async function fetchPlace(place: Place): Promise<Fetched> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const fetched = (await ask({ kind: "fetch", place }).catch(() => undefined)) as Fetched | undefined;
    if (fetched !== undefined) return fetched;
  }
  return { kind: "failed", failure: { code: "fetch-stopped", message: SENTENCES.unfetched } };
}
