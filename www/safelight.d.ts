/**
 * What the wasm module that checks offers to the worker (`src/web/`). wasm-bindgen generates `safelight.js` beside
 * the built worker; this file is the contract that both sides are checked against.
 */
import type { Tokenizer } from "./safelight-tokenizer.js";

export default function init(): Promise<unknown>;

/** Workers that compute parts of the CPU's products. */
export interface Helpers {
  /** Those that have started. */
  count: number;
  /** Milliseconds to wait for one that does not finish; then all are ended. */
  patience: number;
  stop(): void;
}

/** Says how helpers are started, should the CPU compute: they call the module's `help`, and it imports the memory. */
export function offerThreads(start: (module: WebAssembly.Module, memory: WebAssembly.Memory) => Promise<Helpers>): void;

/** Where the detector runs: `auto` takes the GPU when it passes the self-test. */
export type DevicePreference = "auto" | "gpu" | "cpu";

/** Streams a model pack in, hashing as it goes. */
export class Loader {
  private constructor();
  /** Opens the device and tests it; `manifest` is the text of `pack.json`, `kernels` an earlier detector's or empty. */
  static open(manifest: string, preference: DevicePreference, kernels?: string): Promise<Loader>;
  /** The next bytes of the pack's weight file, in order. */
  push(chunk: Uint8Array): void;
  /** Checks the length and the SHA-256, and reads the head (`null`: there is none yet); consumes the loader, also when it fails. */
  finish(head: Uint8Array | null): Detector | Promise<Detector>;
  free(): void;
}

/** What a file tells without its pixels. */
export interface Facts {
  width: number;
  height: number;
  format: string;
  /** Length of the file. */
  bytes: number;
  jpegQuality: number | null;
  /** `4:2:0`. */
  jpegSubsampling: string | null;
  exif: boolean;
  /** Of the file, 64 hexadecimal digits. */
  sha256: string;
  /** 64-bit difference hash of the picture, 16 hexadecimal digits. */
  perceptual: string;
}

/** A picture's facts and its features, one row a treatment: `[treatments, d]`. */
export interface Embedded {
  facts: Facts;
  features: Float32Array;
}

/** A CLIP checkpoint in Hugging Face's form: its configuration and the headers of its files. */
export class Checkpoint {
  /** `config` is the text of `config.json`. */
  constructor(config: string);
  /** The weight files that `model.safetensors.index.json` (its text) names. */
  static filesOfIndex(index: string): string[];
  /** How many of a file's first bytes `add` needs, from the first eight. */
  static headerBytes(file: string, head: Uint8Array): number;
  /** Adds a file of `bytes` bytes, of which `head` is the beginning; `sha256` is what its source says it must be. */
  add(file: string, head: Uint8Array, bytes: number, sha256: string | null): void;
  /** Whether there is a text tower, which needs a tokenizer. */
  readonly text: boolean;
  /** Takes the checkpoint's own `tokenizer.json`, which knows `vocabulary` tokens and which the pack then names. */
  useTokenizer(json: Uint8Array, vocabulary: number): void;
  /** Begins, or goes on after `written` bytes of the pack's file; consumes the checkpoint, also when it fails. */
  convert(int8: boolean, written: number): Conversion;
  free(): void;
}

/** The checkpoint's bytes in, the pack's out. */
export class Conversion {
  private constructor();
  /** How many of the written bytes stand; they are to be passed to `rehash`. */
  readonly kept: number;
  /** Bytes of tensors that were read, and that will have been. */
  readonly done: number;
  readonly total: number;
  /** Length of the pack's file. */
  readonly packBytes: number;
  /** Whether every file was compared with the SHA-256 that its source gives. */
  readonly checked: boolean;
  /** What is to be pushed next; `null`: everything was. */
  readonly wants: Piece | null;
  rehash(bytes: Uint8Array): void;
  /** The next bytes of what is wanted; gives the next bytes of the pack's file. */
  push(chunk: Uint8Array): Uint8Array;
  /** Everything was pushed: the text of `pack.json`; consumes the conversion, also when it fails. */
  finish(naming: PackNaming): string | Promise<string>;
  free(): void;
}

/** `start` to before `end` of a file. */
export interface Piece {
  file: string;
  start: number;
  end: number;
}

/** What a pack says of itself besides its shape. */
export interface PackNaming {
  id: string;
  name: string;
  licence: string;
  source: string;
}

/** Called after each block of the image tower; `false` stops the check. */
export type Observe = (done: number, total: number) => boolean;

export class Detector {
  private constructor();
  readonly info: DetectorInfo;
  /** The kernels chosen on this GPU, to keep; empty on the CPU and before the first check. */
  readonly kernels: string;
  /** Decodes the file in Rust, then checks it. */
  check(bytes: Uint8Array, observe: Observe, caption: string | null): Promise<Verdict>;
  /** For pictures that only the browser decodes: straight RGBA, 8 bit, upright. */
  checkPixels(rgba: Uint8Array, width: number, height: number, format: string, observe: Observe, caption: string | null): Promise<Verdict>;
  /** Of a check, what needs no device; also while another check waits for the GPU. */
  prepare(bytes: Uint8Array): Prepared;
  /** The rest of `check`, with the same result; consumes `prepared`. */
  checkPrepared(prepared: Prepared, observe: Observe, caption: string | null): Promise<Verdict>;
  /** Takes what splits captions, CLIP's tokenizer or the model's own, without which no caption can be read. */
  useTokenizer(tokenizer: Tokenizer): void;
  /** The text-level part of a feature, `[spec.caption]`: all zero without a caption. */
  embedCaption(caption: string | null, observe: Observe): Promise<Float32Array>;
  /** The image tower alone: CLIP's input [n, 3, side, side], scaled and normalised already → [n, projection]. */
  embedTensor(pixels: Float32Array, observe: Observe): Promise<Float32Array>;
  /**
   * What features are kept under: `key` is the SHA-256 of the image-level specification, `dimension` the length of
   * its row; `caption` that of the text-level part, 0 where the model reads no captions.
   */
  readonly spec: { key: string; dimension: number; caption: number };
  /** Facts of a file and its features, one row a treatment. */
  embed(bytes: Uint8Array, treatments: string[], observe: Observe): Promise<Embedded>;
  /** The same for pictures that only the browser decodes; `bytes` is the file. */
  embedPixels(
    rgba: Uint8Array,
    width: number,
    height: number,
    format: string,
    bytes: Uint8Array,
    treatments: string[],
    observe: Observe,
  ): Promise<Embedded>;
  /** The loaded head's file. */
  headBytes(): Uint8Array;
  /** Swaps the head; the tower stays. */
  useHead(head: Uint8Array | null): void;
  free(): void;
}

/** A picture that was decoded and looked at, to be freed unless it is checked. */
export class Prepared {
  private constructor();
  free(): void;
}

/** A limit of “likely generated”, measured on held-out pictures; rates are 0..1. */
export interface OperatingPoint {
  falsePositiveRate: number;
  threshold: number;
  truePositiveRate: number;
}

export interface DetectorInfo {
  device: DeviceInfo;
  /** `text`: it has a text tower; `tokenizer`: what captions need besides is loaded. */
  pack: { id: string; name: string; sha256: string; text: boolean; tokenizer: boolean };
  head: {
    id: string;
    name: string;
    trained: string;
    /** It reads captions. */
    captions: boolean;
    /** The model has none yet, and this only stands in for it. */
    blank: boolean;
    thresholds: { real: number; generated: number };
    /** Other limits to choose from, the strictest first; none in heads of before. */
    operatingPoints: OperatingPoint[];
    /** Which pictures those were measured on, in words. */
    operatingPointsSource: string;
    figures: HeadFigures;
  };
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
  /** The head read a caption; it reads captions and there was none; it reads none. */
  caption: "used" | "missing" | "unread";
  device: DeviceInfo;
  ms: { decode: number; pixels: number; clip: number; head: number };
}

/** What the module throws. */
export interface SafelightError extends Error {
  code: string;
}
