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

/** Seconds until `left` more epochs are done; `null` before the first. */
export function secondsLeft(done: readonly EpochReport[], left: number): number | null {
  const recent = done.slice(-WINDOW);
  if (recent.length === 0) return null;
  const mean = recent.reduce((sum, { ms }) => sum + ms, 0) / recent.length;
  return (left * mean) / 1000;
}

/** Throws that training away, unless another tab is at it: `train-elsewhere`. */
export async function discardRun(id: string): Promise<void> {
  if ((await unfinishedRun())?.input.id === id) await alone(() => forgetRun(id));
}
