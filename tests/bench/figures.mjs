// What is reported of a peer that was measured.

/**
 * Times in milliseconds, memory in bytes; of a peer that could not run, why. `startMs`: from nothing to the first result, without
 * the decoding of the pictures.
 */
export function figures({ failed, where, openMs, firstMs, times, memory }) {
  return failed === undefined ? { where, openMs, firstMs, startMs: openMs + firstMs, ms: summary(times), memory } : { failed };
}

function summary(runs) {
  const sorted = [...runs].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), runs };
}
