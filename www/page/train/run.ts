/** A training that is under way, in numbers: which stage, how long still; and how it is thrown away. */
import { database } from "../../database.ts";
import type { EpochReport } from "../../safelight-training.js";

/** Estimates look back at this many epochs. */
const WINDOW = 10;

/** `Measuring, part 2 of 3: epoch 7 of 20` */
export function stageWords({ stage, fold, folds, epoch, epochs }: EpochReport, limit: number | null): string {
  const of = Math.min(epochs, limit ?? epochs);
  const what = stage === "final" ? "The head itself" : `Measuring, part ${fold + 1} of ${folds}`;
  return `${what}: epoch ${Math.min(epoch + 1, of)} of ${of}`;
}

/** Seconds until the head is there; `null` before the first epoch. */
export function secondsLeft(done: readonly EpochReport[], limit: number | null): number | null {
  const last = done.at(-1);
  if (last === undefined) return null;
  const recent = done.slice(-WINDOW);
  const mean = recent.reduce((sum, { ms }) => sum + ms, 0) / recent.length;
  const each = Math.min(last.epochs, limit ?? last.epochs);
  const stages = last.stage === "final" ? 0 : last.folds - last.fold;
  const left = Math.max(0, each - last.epoch - 1) + stages * each;
  return (left * mean) / 1000;
}

export async function discardRun(): Promise<void> {
  const transaction = (await database()).transaction(["run", "runHeads"], "readwrite");
  await Promise.all([transaction.objectStore("run").clear(), transaction.objectStore("runHeads").clear(), transaction.done]);
}
