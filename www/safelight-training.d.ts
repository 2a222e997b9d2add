/** What the wasm module that trains offers to the worker (`src/web/` with the feature `train`), beside what `safelight.js` has too. */
import type { DeviceInfo, Facts, Observe } from "./safelight.js";

export default function init(): Promise<unknown>;

/** The features, labels and facts of a folder's pictures; no pixel. */
export class TrainingSet {
  /** `dimension`: length of an image-level row; `treatments`: rows of a picture, in order; `captionDimension`: length of a caption's row, 0 where captions are not read. */
  constructor(dimension: number, treatments: string[], captionDimension: number);
  /** `features`: one row a treatment, `[treatments, d]`; `caption`: its caption's row, null where it has none. */
  add(picture: LabelledPicture, features: Float32Array, caption: Float32Array | null): void;
  readonly length: number;
  /** What the facts alone give away, and the captions. */
  audit(observe: Observe): Promise<AuditReport>;
  free(): void;
}

/** Trains validation folds, then the head; the caller asks for one epoch after another. */
export class Trainer {
  private constructor();
  /** `base`: a head's file to start from, or null for a fresh head. It shares the set, which may be freed. */
  static create(set: TrainingSet, config: TrainConfig, base: Uint8Array | null, device: "gpu" | "cpu"): Promise<Trainer>;
  /** Goes on from `state` with the same set: the result is that of a run without the break. */
  static resume(set: TrainingSet, state: Uint8Array, device: "gpu" | "cpu"): Promise<Trainer>;
  /** Where it computes: on the CPU, with the reason as its `fallback`, where the GPU lacks what training needs. */
  readonly device: DeviceInfo;
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

/** Whole hyper-parameters by name. */
export function preset(name: PresetName): TrainConfig;

/** Milliseconds of each step of the paper's recipe at these sizes. */
export function trainingSpeed(device: "gpu" | "cpu", dimension: number, width: number, batch: number, steps: number): Promise<TrainingSpeed>;

/** Labels the pictures among `paths` by the names of their folders and by metadata; opens no file. */
export function readLabels(paths: string[], metadata: MetadataFile[], mapping: FolderMapping): Labelling;

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

/** A picture of a labelled folder. */
export interface LabelledPicture {
  name: string;
  /** Its group in every split. */
  source: string;
  generated: boolean;
  facts: Facts;
  /** The words that it came with. */
  caption?: string | null;
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
  /** Cross-validated ROC area of a classifier that sees facts only; its interval is of these pictures. */
  nullAuc: Estimate | null;
  /** The same with an interval over what a head's figures draw anew, to hold the two against each other; reports of before lack it. */
  nullAucOverSources?: Estimate | null;
  /** Why `nullAuc` is missing, a sentence. */
  reason: string | null;
  factsThatTell: { fact: string; auc: number }[];
  /** Pairs by index. */
  duplicates: { a: number; b: number; kind: "exact" | "near"; acrossClasses: boolean }[];
  /** Pictures with a caption; reports of earlier versions lack it. */
  captioned?: number;
  /** Cross-validated ROC area of a head that sees captions only; null without captions, or with too few. */
  captionAuc?: Estimate | null;
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
  /** Probability that a row's caption is left out of a step, 0…1, where captions are read. */
  captionDropout: number;
  /** Whether a head learns for as many epochs as its folds found best, where that is clearly before the last one. */
  keepBest: boolean;
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
  /** Of its stage, unless it is stopped. */
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
  /** What the intervals draw anew; reports of before lack it: pictures. */
  resampled?: "pictures" | "sources";
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
  /** That the head learnt for; reports of before lack it. */
  epochs?: number;
  /** Whether somebody ended a stage early; reports of before lack it. */
  stopped?: boolean;
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
