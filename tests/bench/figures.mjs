// What is reported of a peer that was measured.

/**
 * Times in milliseconds, memory in bytes; of a peer that could not run, why. `startMs`: from nothing to the first result, without
 * the decoding of the pictures; `againMs`: the same on later visits, null where none was measured.
 */
export function figures({ failed, where, openMs, firstMs, startMs, times, again, memory }) {
  if (failed !== undefined) return { failed };
  return { where, openMs, firstMs, startMs, againMs: again.length === 0 ? null : summary(again), ms: summary(times), memory };
}

function summary(runs) {
  const sorted = [...runs].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), runs };
}
