/**
 * The limit of “likely generated” that the person chose, as a false-positive rate at which the head was measured:
 * kept as a rate, so that it means the same whichever head decides.
 */
import type { CheckState } from "../line.ts";
import type { OperatingPoint } from "../safelight.js";
import { share, percent } from "./words.ts";

const RATE = "safelight-false-positives";

type Done = Extract<CheckState, { name: "done" }>;

/** `null`: the head's own limit. */
export function chosenRate(): number | null {
  try {
    const rate = Number(localStorage.getItem(RATE) ?? NaN);
    return rate > 0 && rate < 1 ? rate : null;
  } catch {
    return null; // storage is switched off
  }
}

export function chooseRate(rate: number | null): void {
  try {
    if (rate === null) localStorage.removeItem(RATE);
    else localStorage.setItem(RATE, String(rate));
  } catch {
    // it holds for nothing then, and the list shows so
  }
}

/** The point that was measured at this rate. */
export function pointAt(points: readonly OperatingPoint[], rate: number | null): OperatingPoint | null {
  return points.find(({ falsePositiveRate }) => rate !== null && Math.abs(falsePositiveRate - rate) < 1e-9) ?? null;
}

/** The verdict under the chosen limit, which it names wherever it can have changed the word. */
export function limited(done: Done, rate: number | null): Done {
  if (rate === null) return done;
  const { probability, thresholds } = done.verdict;
  const point = pointAt(done.operatingPoints, rate);
  if (point === null) return noticed(done, `This head was not measured at ${share(rate, "real pictures")} called generated, so its own limit holds`);
  const real = Math.min(thresholds.real, point.threshold);
  const label = probability >= point.threshold ? "generated" : probability <= real ? "real" : "unsure";
  const changed = { ...done, verdict: { ...done.verdict, label, thresholds: { real, generated: point.threshold } } } as const;
  if (label === "real") return changed;
  return noticed(changed, `Your limit: ${percent(point.threshold)}, at which ${share(rate, "real pictures")} that it had not learnt from was called generated; the figures above are of the head’s own, ${percent(thresholds.generated)}`);
}

function noticed(done: Done, message: string): Done {
  return { ...done, notice: { code: "limit-chosen", message: done.notice === null ? message : `${done.notice.message} ${message}` } };
}
