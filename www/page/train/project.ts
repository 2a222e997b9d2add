/** What is being trained on: the folder, what its parts mean, the facts of its pictures. Small things only: no picture, no feature. */
import { database } from "../../database.ts";
import type { AuditReport, FolderMapping, Labelling, LabelledPicture, MetadataFile } from "../../safelight-training.js";
import type { Facts } from "../../safelight.js";
import { CorrectedVerdicts, TIERS } from "./corrected.ts";
import type { LeftOut } from "./corrected.ts";
import { ask } from "./lent.ts";
import type { Lent } from "./lent.ts";
import type { Entry, Folder } from "./folder.ts";

/** Learnt from as well: two random crops, reduced and compressed anew, as JPEG or WebP. */
const ALTERED = ["augmented-0", "augmented-1"] as const;
/** Learnt from instead: the same crop, size and compression for both classes, by several draws. */
const EQUALISED = ["equalised-0", "equalised-1", "equalised-2", "equalised-3"] as const;

const METADATA = /(^|\/)metadata\.(csv|jsonl)$/i;
const TEXT = /\.txt$/i;
/** Corrected verdicts form a source of their own. */
const CORRECTED = "corrected verdicts";

export interface Unreadable {
  path: string;
  reason: string;
}

export type Meaning = FolderMapping[string];

/** A folder that holds pictures itself. */
export interface PictureFolder {
  /** Its path; empty for the chosen folder itself. */
  path: string;
  pictures: number;
  /** `mixed`: metadata say it picture by picture; `null`: nobody has said. */
  meaning: Meaning | "mixed" | null;
}

/** A picture of the training. */
export interface Member {
  picture: LabelledPicture;
  /** In the folder; `null` for a corrected verdict whose picture is not in it. */
  path: string | null;
  /** Its label is the person's correction. */
  corrected: boolean;
  /** The folder says otherwise. */
  overruled: boolean;
}

export class Project {
  readonly folder: Folder;
  mapping: FolderMapping = {};
  labelling: Labelling = { pictures: [], unknown: [], problems: [] };
  /** By path. */
  readonly facts = new Map<string, Facts>();
  readonly unreadable = new Map<string, Unreadable>();
  readonly corrections = new CorrectedVerdicts();
  equalise = false;
  audit: AuditReport | null = null;
  readonly #entries: Map<string, Entry>;
  /** Paths that a person left out after the audit. */
  readonly #excluded = new Set<string>();
  #metadata: MetadataFile[] | null = null;
  /** By path. */
  #captions = new Map<string, string>();

  constructor(folder: Folder) {
    this.folder = folder;
    this.#entries = new Map(folder.entries.map((entry) => [entry.path, entry]));
  }

  /** Reads labels from names, metadata files and what a person said. */
  async label(lent: Lent, signal: AbortSignal): Promise<void> {
    const stems = new Set(this.folder.entries.filter(({ path }) => !TEXT.test(path)).map(({ path }) => stemOf(path)));
    const tells = (path: string): boolean => METADATA.test(path) || (TEXT.test(path) && stems.has(stemOf(path)));
    this.#metadata ??= await Promise.all(
      this.folder.entries.filter(({ path }) => tells(path)).map(async ({ path, read }) => ({ path, text: await (await read()).text() })),
    );
    const paths = this.folder.entries.map(({ path }) => path);
    this.labelling = await ask(lent, "label", { paths, metadata: this.#metadata, mapping: this.mapping }, { signal });
    this.#captions = new Map(this.labelling.pictures.flatMap(({ path, text }) => (text === null ? [] : [[path, text]])));
    this.audit = null;
  }

  /** The words that a picture came with. */
  caption(path: string): string | null {
    return this.#captions.get(path) ?? null;
  }

  get captioned(): number {
    return this.members().filter(({ picture }) => typeof picture.caption === "string").length;
  }

  /** The pictures to read, in order. */
  files(): Entry[] {
    return this.labelling.pictures.flatMap(({ path }) => {
      const entry = this.#entries.get(path);
      return entry === undefined || this.#excluded.has(path) ? [] : [entry];
    });
  }

  /** The folders that hold pictures, those that nobody has explained first. */
  folders(): PictureFolder[] {
    const folders = new Map<string, PictureFolder>();
    const add = (path: string, pictures: number, meaning: PictureFolder["meaning"]): void => {
      const known = folders.get(path);
      const same = known === undefined || known.meaning === meaning;
      folders.set(path, { path, pictures: pictures + (known?.pictures ?? 0), meaning: same ? meaning : "mixed" });
    };
    const { pictures, unknown } = this.labelling;
    for (const { folder, count } of unknown) add(folder, count, null);
    for (const { path, generated } of pictures) add(parentOf(path), 1, generated ? "generated" : "real");
    const labelled = new Set(pictures.map(({ path }) => path));
    for (const [folder, meaning] of Object.entries(this.mapping)) {
      if (meaning !== "skip") continue;
      const inside = this.folder.entries.filter(({ path }) => parentOf(path) === folder && !labelled.has(path));
      if (inside.length > 0) add(folder, inside.length, "skip");
    }
    return [...folders.values()].sort((a, b) => Number(a.meaning !== null) - Number(b.meaning !== null) || (a.path < b.path ? -1 : 1));
  }

  entry(path: string): Entry | undefined {
    return this.#entries.get(path);
  }

  /** The pictures whose facts are known, then the corrected verdicts that can be learnt from beside them. */
  members(): Member[] {
    const answers = this.corrections.answers();
    const own = this.labelling.pictures.flatMap(({ path, source, generated: said }): Member[] => {
      const facts = this.facts.get(path);
      if (facts === undefined || this.#excluded.has(path) || this.unreadable.has(path)) return [];
      const answer = answers.get(facts.sha256);
      const generated = answer ?? said;
      const picture = { name: path, source, generated, facts, caption: this.caption(path) };
      return [{ picture, path, corrected: answer !== undefined, overruled: generated !== said }];
    });
    const added = this.corrections.beside(this.#inFolder()).map(({ name, generated, facts, caption = null }): Member => {
      const picture = { name, source: CORRECTED, generated, facts, caption };
      return { picture, path: null, corrected: true, overruled: false };
    });
    return [...own, ...added];
  }

  pictures(): LabelledPicture[] {
    return this.members().map(({ picture }) => picture);
  }

  leaveOut(members: Iterable<Member>): void {
    for (const { path, picture } of members) {
      if (path === null) this.corrections.exclude(picture.facts.sha256);
      else this.#excluded.add(path);
    }
  }

  /** The corrected verdicts that this training has to do without. */
  correctionsLeftOut(): LeftOut {
    return this.corrections.leftOut(this.#inFolder());
  }

  /** SHA-256 of the pictures whose facts are known. */
  needs(): string[] {
    return [...this.facts.values()].map(({ sha256 }) => sha256);
  }

  /** SHA-256 of the folder's readable pictures, also of those that were left out: they do not come back as corrections. */
  #inFolder(): Set<string> {
    const readable = this.labelling.pictures.filter(({ path }) => !this.unreadable.has(path));
    return new Set(readable.flatMap(({ path }) => this.facts.get(path)?.sha256 ?? []));
  }

  /** Rows of each picture: those that are learnt from, and the tiers that figures are given for. */
  treatments(altered: boolean): string[] {
    return [...(this.equalise ? EQUALISED : []), ...TIERS, ...(altered && !this.equalise ? ALTERED : [])];
  }

  async remember(): Promise<void> {
    const { name, handle } = this.folder;
    const stored = { name, handle, mapping: this.mapping, equalise: this.equalise };
    await (await database()).put("folder", stored, "folder").catch(() => undefined); // a convenience only
  }

  /** What was said about a folder of this name before. */
  async recall(): Promise<void> {
    const db = await database();
    this.corrections.all = await db.getAll("corrections");
    const stored = await db.get("folder", "folder");
    if (stored?.name !== this.folder.name) return;
    this.mapping = stored.mapping;
    this.equalise = stored.equalise;
  }
}

/** A path without its extension: what a picture and the text beside it share. */
function stemOf(path: string): string {
  return path.replace(/\.[^./]*$/, "");
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
