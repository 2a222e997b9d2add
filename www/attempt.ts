/** One call on one worker, as the client makes it: how long it is waited for, and what is said when the worker is replaced. */
import { stopped } from "./cancel.ts";
import type { Connection, WorkerLike } from "./connection.ts";
import { asProblem, isOfModels, Problem } from "./protocol.ts";
import type { Calls, Kind, Notice, Progress } from "./protocol.ts";

/** Milliseconds that the client waits for a worker that says nothing. */
export interface Patience {
  /** After a polite request to stop. */
  cancel: number;
  /** Without any progress: longer than a software GPU takes for one block. */
  silence: number;
}

export const PATIENCE: Patience = { cancel: 2_000, silence: 300_000 };

export interface CallOptions {
  onProgress?: (progress: Progress) => void;
  /** Something went differently than hoped (the device was replaced). */
  onNotice?: (notice: Notice) => void;
  signal?: AbortSignal;
}

/**
 * One call on one worker: cancelled politely, then by force; given up after a long silence. One that is about added models
 * is given up alone: it has no part in the device, and others use the worker.
 */
export async function attempt<K extends Kind>(
  connection: Connection,
  patience: Patience,
  kind: K,
  input: Calls[K]["input"],
  { onProgress, signal }: CallOptions,
  started?: (id: number) => void,
): Promise<Calls[K]["result"]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  let leave: (problem: Problem) => void = () => undefined;
  const left = new Promise<never>((_, reject) => (leave = reject));
  const stop = (): void => void connection.call("cancel", { call: call.id }).result.catch(() => undefined);
  const end = (problem: Problem): void => {
    if (!isOfModels(kind)) return connection.end(problem);
    leave(problem);
    stop();
  };
  const endAfter = (ms: number, problem: Problem): void => {
    clearTimeout(timer);
    timer = setTimeout(() => end(problem), ms);
  };
  const silent = isOfModels(kind) ? new Problem("model-failed", "There was no sign of life for minutes.") : new Problem("device-failed", "The device gave no sign of life for minutes.");
  endAfter(patience.silence, silent);
  const call = connection.call(kind, input, (progress) => {
    if (ended) return;
    if (!signal?.aborted) endAfter(patience.silence, silent);
    onProgress?.(progress);
  });
  started?.(call.id);
  const cancel = (): void => {
    stop();
    endAfter(patience.cancel, stopped());
  };
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    return await Promise.race([call.result, left]);
  } finally {
    ended = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

export function startWorker(): WorkerLike {
  try {
    return new Worker(new URL("worker.js", import.meta.url), { type: "module", name: "safelight" });
  } catch (thrown) {
    throw new Problem("browser-too-old", asProblem(thrown, "browser-too-old").message);
  }
}

export function retried({ message }: Problem): Notice {
  return { code: "device-retried", message: `The detector failed once and was started again. (${message})` };
}

export function replaced(problem?: Problem): Notice {
  const words = problem === undefined ? "" : ` (${problem.message})`;
  return { code: "device-replaced", message: `The GPU failed twice, so the CPU is used from here on.${words}` };
}

/** The one thing about a device that changes while a worker lives. */
export const THREADS_LOST: Notice = {
  code: "threads-lost",
  message: "A thread of the detector stopped answering, so a single one computes from here on, and checks take longer.",
};
