/**
 * What the wasm module of `src/web/` offers to the worker. wasm-bindgen generates `safelight.js` beside the
 * built worker; this file is the contract that both sides are checked against.
 */

export default function init(): Promise<unknown>;

/** Where the detector runs: `auto` takes the GPU when it passes the self-test. */
export type DevicePreference = "auto" | "gpu" | "cpu";

/** Streams a model pack in, hashing as it goes. */
export class Loader {
  private constructor();
  /** Opens the device and tests it; `manifest` is the text of `pack.json`. */
  static open(manifest: string, preference: DevicePreference): Promise<Loader>;
  /** The next bytes of the pack's weight file, in order. */
  push(chunk: Uint8Array): void;
  /** Checks the length and the SHA-256, and reads the head; consumes the loader, also when it fails. */
  finish(head: Uint8Array): Detector | Promise<Detector>;
  free(): void;
}

/** Called after each block of the image tower; `false` stops the check. */
export type Observe = (done: number, total: number) => boolean;

export class Detector {
  private constructor();
  readonly info: DetectorInfo;
  /** Decodes the file in Rust, then checks it. */
  check(bytes: Uint8Array, observe: Observe): Promise<Verdict>;
  /** For pictures that only the browser decodes: straight RGBA, 8 bit, upright. */
  checkPixels(rgba: Uint8Array, width: number, height: number, format: string, observe: Observe): Promise<Verdict>;
  free(): void;
}

export interface DetectorInfo {
  device: DeviceInfo;
  pack: { id: string; name: string; sha256: string };
  head: { id: string; name: string; trained: string; thresholds: { real: number; generated: number }; figures: HeadFigures };
}

export interface DeviceInfo {
  kind: "gpu" | "cpu";
  name: string;
  /** Why the GPU is not used, a sentence; `null` when it is, or when the CPU was asked for. */
  fallback: string | null;
  selfTest: { maxDifference: number } | null;
}

/** Measured at the head's thresholds on pictures from sources it was not trained on; rates are 0..1. */
export interface HeadFigures {
  source: string;
  n: number;
  auc: number;
  aucInterval: [number, number];
  realCalledGenerated: number;
  generatedCalledReal: number;
  unsure: number;
}

export interface Verdict {
  label: "generated" | "real" | "unsure";
  /** Calibrated probability of being generated, 0..1. */
  probability: number;
  /** At most `real` is called real, at least `generated` is called generated, between is unsure. */
  thresholds: { real: number; generated: number };
  picture: { width: number; height: number; format: string };
  /** What was measured, in words: `whole picture`. */
  views: string[];
  device: DeviceInfo;
  ms: { decode: number; pixels: number; clip: number; head: number };
}

/** A `metadata.csv` or `metadata.jsonl` of the picked folder. */
export interface MetadataFile {
  /** Relative to the picked folder, like every path here. */
  path: string;
  text: string;
}

/** What a person says of folders, by path; it holds for what lies beneath. */
export type FolderMapping = Record<string, "real" | "generated" | "skip">;

/** What became of a folder's files. */
export interface Labelling {
  /** `source` is empty where the folder names none. */
  pictures: { path: string; source: string; generated: boolean; text: string | null }[];
  /** Folders that a person has to map. */
  unknown: { folder: string; count: number }[];
  /** Files that were left out, and why. */
  problems: { path: string; message: string }[];
}

/** Labels the pictures among `paths` by the names of their folders and by metadata; opens no file. */
export function readLabels(paths: string[], metadata: MetadataFile[], mapping: FolderMapping): Labelling;

/** What the module throws. */
export interface SafelightError extends Error {
  code: string;
}
