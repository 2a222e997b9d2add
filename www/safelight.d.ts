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
  /** The image tower alone: CLIP's input [n, 3, side, side], scaled and normalised already → [n, projection]. */
  embedTensor(pixels: Float32Array, observe: Observe): Promise<Float32Array>;
  free(): void;
}

export interface DetectorInfo {
  device: DeviceInfo;
  pack: { id: string; name: string; sha256: string };
  head: { id: string; name: string; trained: string; figures: HeadFigures };
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

/** What the module throws. */
export interface SafelightError extends Error {
  code: string;
}
