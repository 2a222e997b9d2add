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
  /** What features are kept under: `key` is the SHA-256 of the feature specification, `dimension` the length of a row. */
  readonly spec: { key: string; dimension: number };
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
  useHead(head: Uint8Array): void;
  free(): void;
}

/** The features, labels and facts of a folder's pictures; no pixel. */
export class TrainingSet {
  /** `dimension`: length of a row; `treatments`: rows of a picture, in order. */
  constructor(dimension: number, treatments: string[]);
  /** `features`: one row a treatment, `[treatments, d]`. */
  add(picture: LabelledPicture, features: Float32Array): void;
  readonly length: number;
  /** What the facts alone give away. */
  audit(observe: Observe): Promise<AuditReport>;
  free(): void;
}

/** Whole hyper-parameters by name. */
export function preset(name: PresetName): TrainConfig;

/** Milliseconds of each step of the paper's recipe at these sizes. */
export function trainingSpeed(device: "gpu" | "cpu", dimension: number, width: number, batch: number, steps: number): Promise<TrainingSpeed>;

/** Trains validation folds, then the head; the caller asks for one epoch after another. */
export class Trainer {
  private constructor();
  /** `base`: a head's file to start from, or null for a fresh head. The set is copied. */
  static create(set: TrainingSet, config: TrainConfig, base: Uint8Array | null, device: "gpu" | "cpu"): Promise<Trainer>;
  /** Goes on from `state` with the same set: the result is that of a run without the break. */
  static resume(set: TrainingSet, state: Uint8Array, device: "gpu" | "cpu"): Promise<Trainer>;
  /** The next epoch; null when there is none left. `observe` counts its steps; false throws `cancelled`, and the next call goes on at the same step. */
  epoch(observe: Observe): Promise<EpochReport | null>;
  /** Ends the present stage with what it has, once it has an epoch. Not while an epoch runs. */
  stop(): void;
  /** Everything needed to go on after a reload. */
  state(): Promise<Uint8Array>;
  /** The head's file and the report. `like`: the file of the head that the features were made for; pack and feature specification are taken from it. */
  finish(naming: Naming, like: Uint8Array): Promise<Trained>;
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

/** A picture of a labelled folder. */
export interface LabelledPicture {
  name: string;
  /** Its group in every split. */
  source: string;
  generated: boolean;
  facts: Facts;
}

/** A figure with its 95 % interval. */
export interface Estimate {
  value: number;
  interval: [number, number];
}

/** What the labelled folder gives away before any pixel is looked at. */
export interface AuditReport {
  pictures: number;
  generated: number;
  real: number;
  /** Cross-validated ROC area of a classifier that sees facts only. */
  nullAuc: Estimate | null;
  /** Why `nullAuc` is missing, a sentence. */
  reason: string | null;
  factsThatTell: { fact: string; auc: number }[];
  /** Pairs by index. */
  duplicates: { a: number; b: number; kind: "exact" | "near"; acrossClasses: boolean }[];
  oneClassSources: string[];
  /** Share of the smaller class, 0…0.5. */
  balance: number;
  warnings: string[];
}

export type PresetName = "paper" | "default" | "fine-tune";

/** Hyper-parameters; `preset` gives whole ones. */
export interface TrainConfig {
  /** Width of the hidden layers. */
  width: number;
  layers: number;
  /** Probability that a hidden value is dropped, 0…1. */
  dropout: number;
  epochs: number;
  /** Rows a step. */
  batch: number;
  learningRate: number;
  weightDecay: number;
  seed: number;
  loss: LossConfig;
  /** Radius of SAM's first step; 0 switches SAM off. */
  samRho: number;
  /** How the learning rate falls over the whole run. */
  schedule: "cosine" | "constant";
  /** What a source weighs: as many as it has rows, their square root, or all the same. */
  weighting: "none" | "root" | "equal";
}

/** γ · CVaR_α(cross-entropy) + (1 − γ) · AUC loss. */
export interface LossConfig {
  /** α, the share of worst examples that counts, 0…1; null: the plain mean. */
  cvarAlpha: number | null;
  /** 1 − γ, 0…1; 0 switches the AUC loss off. */
  aucWeight: number;
  /** η, in logits. */
  aucMargin: number;
  /** p, at least 1. */
  aucPower: number;
}

/** How one epoch went. */
export interface EpochReport {
  /** `fold`: a head for validation, which is not kept; `final`: the head. */
  stage: "fold" | "final";
  /** Which fold, from 0. */
  fold: number;
  folds: number;
  /** Which epoch of its stage, from 0. */
  epoch: number;
  epochs: number;
  /** Mean loss of the epoch's batches. */
  loss: number;
  /** ROC area on the rows that this stage does not train on. */
  validationAuc: number | null;
  ms: number;
}

/** Figures in one tier, on pictures that the scoring head was not trained on. */
export interface TierReport {
  tier: string;
  n: number;
  auc: Estimate | null;
  accuracy: Estimate | null;
  /** True-positive rate at 1 % false positives. */
  tprAt1: Estimate | null;
  /** True-positive rate at 5 % false positives. */
  tprAt5: Estimate | null;
  fprAtThreshold: number | null;
  expectedCalibrationError: number | null;
  /** Why figures are missing, a sentence. */
  reason: string | null;
  sources: { source: string; n: number; auc: Estimate | null; fprAtThreshold: number | null }[];
  /** Points of false- and true-positive rate. */
  roc: [number, number][];
  reliability: { predicted: number; observed: number; n: number }[];
  /** Truth, then verdict. */
  confusion: { generated: Verdicts; real: Verdicts };
}

/** How many pictures got which verdict. */
export interface Verdicts {
  generated: number;
  unsure: number;
  real: number;
}

export interface TrainingReport {
  pictures: number;
  generated: number;
  real: number;
  sources: number;
  folds: number;
  /** Whether folds are whole sources. */
  grouped: boolean;
  tiers: TierReport[];
  /** The worst mistakes, by index of the picture. */
  worst: { index: number; probability: number; generated: boolean }[];
  audit: AuditReport | null;
  config: TrainConfig;
  /** What a person should know before relying on it, a sentence each. */
  warnings: string[];
}

/** What the finished head is called. */
export interface Naming {
  id: string;
  name: string;
  /** Day of training, ISO 8601. */
  date: string;
}

/** How long the paper's training steps take here: for the bench. */
export interface TrainingSpeed {
  where: string;
  ms: number[];
}

/** A finished training. */
export interface Trained {
  /** The head's file. */
  head: Uint8Array;
  report: TrainingReport;
}

/** What the module throws. */
export interface SafelightError extends Error {
  code: string;
}
