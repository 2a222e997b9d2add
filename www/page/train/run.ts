/** A training that is under way, in numbers: which stage, how long still; and how it is thrown away. */
import type { EpochReport } from "../../safelight-training.js";
import { alone, forgetRun, unfinishedRun } from "../../unfinished.ts";

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

/** Throws that training away, unless another tab is at it: `train-elsewhere`. */
export async function discardRun(id: string): Promise<void> {
  if ((await unfinishedRun())?.input.id === id) await alone(() => forgetRun(id));
}
