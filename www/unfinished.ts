/** The one training that is under way or waits to go on: its record, and the lock of the tab that trains. */
import { database } from "./database.ts";
import type { StoredRun } from "./database.ts";
import { Problem } from "./protocol.ts";

const LOCK = "safelight-training";
/** A worker that was ended gives its lock back well within this many milliseconds. */
const PATIENCE = 3_000;

/** Does `work` while no other tab trains; `train-elsewhere` where one does. */
export async function alone<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  if (navigator.locks === undefined) return work();
  const waiting = new AbortController();
  const stop = (): void => waiting.abort();
  const timer = setTimeout(stop, PATIENCE);
  signal?.addEventListener("abort", stop, { once: true });
  let begun = false;
  try {
    signal?.throwIfAborted();
    return await navigator.locks.request(LOCK, { signal: waiting.signal }, () => {
      begun = true;
      return work();
    });
  } catch (thrown) {
    if (begun || signal?.aborted || !waiting.signal.aborted) throw thrown;
    throw new Problem("train-elsewhere", "Another tab of this browser is training.");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Whether a tab trains at this moment. */
export async function isTraining(): Promise<boolean> {
  if (navigator.locks === undefined) return false;
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === LOCK);
}

/** Resolves when no tab trains. */
export async function noneTrains(signal: AbortSignal): Promise<void> {
  await navigator.locks?.request(LOCK, { signal }, async () => undefined);
}

export async function unfinishedRun(): Promise<StoredRun | undefined> {
  return (await database()).get("run", "run");
}

/** Deletes the record of that training; another's stays. */
export async function forgetRun(id: string): Promise<void> {
  const transaction = (await database()).transaction(["run", "runHeads"], "readwrite");
  const run = await transaction.objectStore("run").get("run");
  if (run?.input.id === id) await Promise.all([transaction.objectStore("run").clear(), transaction.objectStore("runHeads").clear()]);
  await transaction.done;
}
