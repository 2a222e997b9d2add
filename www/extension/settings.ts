/** The limit that the person chose in the options; device and head are the page's own settings. */

const LIMIT = "safelight-limit";

/** The probability from which the person wants “likely generated”; `null`: the head's own. */
export function chosenLimit(): number | null {
  const limit = Number(localStorage.getItem(LIMIT) ?? NaN);
  return limit > 0 && limit < 1 ? limit : null;
}

export function chooseLimit(limit: number | null): void {
  if (limit === null) localStorage.removeItem(LIMIT);
  else localStorage.setItem(LIMIT, String(limit));
}
