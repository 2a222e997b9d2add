/**
 * A stricter limit for “likely generated”, on the calibrated probability. A head's figures were measured at its own
 * limits only, so nothing is claimed for another one but its direction: fewer false alarms, more “can't tell”.
 */
import type { CheckState } from "../line.ts";
import { percent } from "../page/words.ts";

type Done = Extract<CheckState, { name: "done" }>;

/** The verdict under that limit; one below the head's own changes nothing. */
export function strictly(done: Done, limit: number | null): Done {
  const { label, probability, thresholds } = done.verdict;
  if (limit === null || limit <= thresholds.generated) return done;
  const verdict = {
    ...done.verdict,
    label: label === "generated" && probability < limit ? ("unsure" as const) : label,
    thresholds: { ...thresholds, generated: limit },
  };
  if (label === "real") return { ...done, verdict };
  const message = `Your limit of ${percent(limit)} is stricter than the detector’s own, ${percent(thresholds.generated)}, at which it was measured`;
  return { ...done, verdict, notice: { code: "limit-raised", message: done.notice === null ? message : `${done.notice.message} ${message}` } };
}
