/**
 * Corrected verdicts as a training sees them. Their pictures are not kept, so one is learnt from where the folder holds
 * its picture, or where all that the training needs of it was computed already.
 */
import type { Correction } from "../../database.ts";
import { ask } from "./lent.ts";
import type { Lent } from "./lent.ts";

/** How every picture is looked at; the head learns from all of them and is measured on each. */
export const TIERS = ["as-given", "web", "hard"] as const;

/** How many corrections a training has to do without. */
export interface LeftOut {
  /** They were computed for another model, or for a head that looks at pictures otherwise. */
  foreign: number;
  /** They would have to be computed from their files: altered, or equalised. */
  unaltered: number;
}

export class CorrectedVerdicts {
  all: Correction[] = [];
  /** The person wants them in this training. */
  wanted = true;
  /** What is not kept of one, by SHA-256. */
  readonly #lacking = new Map<string, keyof LeftOut>();
  /** Left out after the audit, by SHA-256. */
  readonly #excluded = new Set<string>();

  /** The person's word on pictures, by SHA-256. */
  answers(): Map<string, boolean> {
    return new Map(this.wanted ? this.all.map(({ facts, generated }) => [facts.sha256, generated]) : []);
  }

  /** Those to learn from beside a folder that holds the pictures `inFolder` (SHA-256). */
  beside(inFolder: ReadonlySet<string>): Correction[] {
    return this.#outside(inFolder).filter(({ facts }) => !this.#lacking.has(facts.sha256));
  }

  leftOut(inFolder: ReadonlySet<string>): LeftOut {
    const count = (lack: keyof LeftOut): number => this.#outside(inFolder).filter(({ facts }) => this.#lacking.get(facts.sha256) === lack).length;
    return { foreign: count("foreign"), unaltered: count("unaltered") };
  }

  exclude(sha256: string): void {
    this.#excluded.add(sha256);
  }

  /** Asks what is kept of them under the model and the head in use. */
  async sort(lent: Lent, treatments: string[], signal: AbortSignal): Promise<void> {
    const pictures = this.all.map(({ facts }) => facts.sha256);
    if (pictures.length === 0) return;
    const plain = await ask(lent, "missing", { pictures, treatments: [...TIERS] }, { signal });
    const whole = await ask(lent, "missing", { pictures, treatments }, { signal });
    this.#lacking.clear();
    for (const sha256 of whole) this.#lacking.set(sha256, "unaltered");
    for (const sha256 of plain) this.#lacking.set(sha256, "foreign");
  }

  #outside(inFolder: ReadonlySet<string>): Correction[] {
    return this.wanted ? this.all.filter(({ facts }) => !inFolder.has(facts.sha256) && !this.#excluded.has(facts.sha256)) : [];
  }
}
