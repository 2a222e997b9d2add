/** Stopping on request. */
import { Problem } from "./protocol.ts";

/** What a call that was stopped rejects with. */
export function stopped(): Problem {
  return new Problem("cancelled", "Stopped.");
}

/** Stops waiting when the signal says so; the work itself goes on for whoever needs it next. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(stopped());
    signal.addEventListener("abort", () => reject(stopped()), { once: true });
    work.then(resolve, reject);
  });
}
