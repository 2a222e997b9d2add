/** What the person chose in the options; kept in this browser, and nowhere else. */
import type { ClientOptions } from "../client.ts";
import { readSettings } from "../page/settings.ts";
import { readHead } from "./heads.ts";

const HEAD = "safelight-head";
const LIMIT = "safelight-limit";

/** The imported head that is used, by its SHA-256; `null`: the one that ships. */
export function chosenHead(): string | null {
  return localStorage.getItem(HEAD);
}

export function chooseHead(id: string | null): void {
  if (id === null) localStorage.removeItem(HEAD);
  else localStorage.setItem(HEAD, id);
}

/** The probability from which the person wants “likely generated”; `null`: the head's own. */
export function chosenLimit(): number | null {
  const limit = Number(localStorage.getItem(LIMIT) ?? NaN);
  return limit > 0 && limit < 1 ? limit : null;
}

export function chooseLimit(limit: number | null): void {
  if (limit === null) localStorage.removeItem(LIMIT);
  else localStorage.setItem(LIMIT, String(limit));
}

/** Everything that was chosen, in the words of the client. */
export async function detectorOptions(): Promise<Omit<ClientOptions, "onState">> {
  const id = chosenHead();
  const head = id === null ? null : await readHead(id);
  const models = new URL("models/", document.baseURI).href;
  return { models, pack: null, head: null, headBytes: head?.file ?? null, preference: readSettings().preference };
}
