/**
 * What training keeps in this browser, in one IndexedDB database that worker and page open alike: a record is
 * written whole or not at all, so closing the tab at any moment leaves nothing half-written.
 */
import { openDB } from "idb";
import type { DBSchema, IDBPDatabase } from "idb";
import { asProblem, Problem } from "./protocol.ts";
import type { EpochReport, FolderMapping } from "./safelight-training.js";
import type { Detector, Facts } from "./safelight.js";
import type { StoredHead, StoredModel, TrainInput } from "./protocol.ts";

interface Kept extends DBSchema {
  /** Facts by the file's SHA-256. */
  facts: { key: string; value: Facts };
  /** Half-precision features by pack (SHA-256), feature specification (SHA-256), picture (SHA-256), treatment. */
  features: { key: [pack: string, spec: string, picture: string, treatment: string]; value: Uint16Array };
  /** Heads by the SHA-256 of their file, and the files beside them. */
  heads: { key: string; value: StoredHead };
  headFiles: { key: string; value: Uint8Array };
  /** The training that is under way, if there is one. */
  run: { key: "run"; value: StoredRun };
  /** Its heads, which do not change while it runs. */
  runHeads: { key: "run"; value: RunHeads };
  /** Corrected verdicts by the picture's SHA-256. */
  corrections: { key: string; value: Correction };
  /** Models that were added, by the SHA-256 of their weight file, which lies on the shelf. */
  models: { key: string; value: StoredModel };
  /** The folder that was open last. */
  folder: { key: "folder"; value: StoredFolder };
}

export interface StoredRun {
  input: TrainInput;
  /** The model whose features it learns from, and what these are kept under; absent in runs of before. */
  pack?: { sha256: string; name: string };
  spec?: Detector["spec"];
  /** Epochs done, in order. */
  epochs: EpochReport[];
  /** Every later stage ends after this many epochs: the person found them enough. */
  limit: number | null;
  /** The trainer's state after the last of `epochs`; `null` before the first. */
  state: Uint8Array | null;
}

export interface RunHeads {
  /** The head whose features are used. */
  like: Uint8Array;
  /** The head to start from; `null`: from scratch. */
  base: Uint8Array | null;
}

/** A verdict that a person corrected. The picture itself is not kept. */
export interface Correction {
  facts: Facts;
  name: string;
  generated: boolean;
  /** What the verdict was given with; absent in corrections of before. */
  caption?: string | null;
  /** ISO 8601. */
  date: string;
}

export interface StoredFolder {
  name: string;
  /** Where the browser can open a folder again with the person's consent. */
  handle: FileSystemDirectoryHandle | null;
  mapping: FolderMapping;
  equalise: boolean;
}

export type Database = IDBPDatabase<Kept>;

let opening: Promise<Database> | null = null;

export async function database(): Promise<Database> {
  opening ??= openDB<Kept>("safelight", 2, {
    upgrade(db) {
      for (const name of ["facts", "features", "heads", "headFiles", "run", "runHeads", "corrections", "models", "folder"] as const)
        if (!db.objectStoreNames.contains(name)) db.createObjectStore(name);
    },
    // Another tab wants a newer version, or everything deleted: it must not wait for this one.
    blocking: (_version, _blocked, event) => {
      opening = null;
      (event.target as IDBDatabase).close();
    },
    terminated: () => (opening = null),
  });
  try {
    return await opening;
  } catch (thrown) {
    opening = null;
    if (thrown instanceof DOMException && thrown.name === "VersionError")
      throw new Problem("storage-newer", "Another tab has a newer version of this page, which keeps its things otherwise. Reload this one.");
    throw new Problem("storage-none", asProblem(thrown, "storage-none").message);
  }
}

/** Does `write`; a full disk gets its own code, which the page explains. */
export async function keeping<T>(write: (db: Database) => Promise<T>): Promise<T> {
  const db = await database();
  try {
    return await write(db);
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "QuotaExceededError")
      throw new Problem("storage-full", "There is no room left for this site in this browser.");
    throw thrown;
  }
}
