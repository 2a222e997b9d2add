/** What a thrown value means in the worker. */
import { asProblem, isOfModels, Problem } from "./protocol.ts";
import type { Kind } from "./protocol.ts";

/**
 * Codes that mean the stored or downloaded bytes are not the published pack, which is then fetched once more:
 * while they are read, whatever damage does to them; at the end, their length and hash (the rest is the head's).
 */
export const BROKEN = { reading: /^(pack-length|pack-changed|weights-header|tensor-.*|not-finite)$/, finishing: /^(pack-length|pack-hash)$/ };

/** Codes that mean an added model cannot be opened any more. */
export const UNUSABLE = /^(pack-.*|weights-header|tensor-.*|not-finite)$/;

/**
 * A panic (`WebAssembly.RuntimeError`) leaves the module unusable, whatever was being done; `model-crashed` says so of one
 * for which no picture and no device is to blame.
 */
export function describe(thrown: unknown, kind: Kind): Problem {
  const ofModels = isOfModels(kind);
  if (thrown instanceof WebAssembly.RuntimeError) return new Problem(ofModels ? "model-crashed" : "worker-crashed", thrown.message);
  return asProblem(thrown, kind === "open" ? "network" : ofModels ? "model-failed" : "worker-crashed");
}
