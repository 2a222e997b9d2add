/** What is being trained on: the folder, what its parts mean, the facts of its pictures. Small things only: no picture, no feature. */
import { database } from "../../database.ts";
import type { Correction } from "../../database.ts";
import type { Mapping } from "../../protocol.ts";
import type { AuditReport, Facts, Labelling, LabelledPicture, MetadataFile } from "../../safelight.js";
import { ask } from "./bench.ts";
import type { Lent } from "./bench.ts";
import type { Entry, Folder } from "./folder.ts";

/** How every picture is looked at, when classes are not equalised; validation reports on each. */
export const TIERS = ["as-given", "web", "hard"] as const;
/** In training only: the same crop, size and compression for both classes, by several draws. */
const EQUALISED = ["equalised-0", "equalised-1", "equalised-2", "equalised-3"] as const;

const METADATA = /(^|\/)metadata\.(csv|jsonl)$/i;
/** Corrected verdicts form a source of their own. */
const CORRECTED = "corrected verdicts";

export interface Unreadable {
  path: string;
  reason: string;
}

export class Project {
  readonly folder: Folder;
  mapping: Mapping = {};
  labelling: Labelling = { pictures: [], folders: [], skipped: [] };
  /** By path. */
  readonly facts = new Map<string, Facts>();
  readonly unreadable = new Map<string, Unreadable>();
  /** Paths that a person left out after the audit. */
  readonly excluded = new Set<string>();
  corrections: Correction[] = [];
  withCorrections = true;
  equalise = false;
  audit: AuditReport | null = null;
  readonly #entries: Map<string, Entry>;
  #metadata: MetadataFile[] | null = null;

  constructor(folder: Folder) {
    this.folder = folder;
    this.#entries = new Map(folder.entries.map((entry) => [entry.path, entry]));
  }

  /** Reads labels from names, metadata files and what a person said. */
  async label(lent: Lent, signal: AbortSignal): Promise<void> {
    this.#metadata ??= await Promise.all(
      this.folder.entries.filter(({ path }) => METADATA.test(path)).map(async ({ path, read }) => ({ path, text: await (await read()).text() })),
    );
    const paths = this.folder.entries.map(({ path }) => path);
    this.labelling = await ask(lent, "label", { paths, metadata: this.#metadata, mapping: this.mapping }, { signal });
    this.audit = null;
  }

  /** The pictures to read, in order. */
  files(): Entry[] {
    return this.labelling.pictures.flatMap(({ path }) => {
      const entry = this.#entries.get(path);
      return entry === undefined || this.excluded.has(path) ? [] : [entry];
    });
  }

  entry(path: string): Entry | undefined {
    return this.#entries.get(path);
  }

  /** The pictures whose facts are known, and the corrections that are wanted. */
  pictures(): LabelledPicture[] {
    const own = this.labelling.pictures.flatMap(({ path, source, generated }) => {
      const facts = this.facts.get(path);
      return facts === undefined || this.excluded.has(path) || this.unreadable.has(path) ? [] : [{ name: path, source, generated, facts }];
    });
    const added = this.correctionsInUse().map(({ name, generated, facts }) => ({ name, source: CORRECTED, generated, facts }));
    return [...own, ...added];
  }

  /** Equalising needs the picture's file, which corrections do not have any more. */
  correctionsInUse(): Correction[] {
    return this.withCorrections && !this.equalise ? this.corrections : [];
  }

  treatments(): string[] {
    return this.equalise ? [...TIERS, ...EQUALISED] : [...TIERS];
  }

  async remember(): Promise<void> {
    const { name, handle } = this.folder;
    const stored = { name, handle, mapping: this.mapping, equalise: this.equalise };
    await (await database()).put("folder", stored, "folder").catch(() => undefined); // a convenience only
  }

  /** What was said about a folder of this name before. */
  async recall(): Promise<void> {
    const db = await database();
    this.corrections = await db.getAll("corrections");
    const stored = await db.get("folder", "folder");
    if (stored?.name !== this.folder.name) return;
    this.mapping = stored.mapping;
    this.equalise = stored.equalise;
  }
}
