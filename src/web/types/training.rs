//! The TypeScript types of training: of `train::trainer::config`, `train::trainer`, `train::audit` and
//! `train::validation::report`, and of a picture's facts.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
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
  /** Pictures with a caption. */
  captioned: number;
  /** Cross-validated ROC area of a head that sees captions only; null without captions, or with too few. */
  captionAuc: Estimate | null;
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
"#;

#[wasm_bindgen]
extern "C" {
    /// `AuditReport` in TypeScript.
    #[wasm_bindgen(typescript_type = "AuditReport")]
    pub type JsAuditReport;

    /// `DeviceInfo` in TypeScript.
    #[wasm_bindgen(typescript_type = "DeviceInfo")]
    pub type JsDeviceInfo;

    /// `TrainConfig` in TypeScript.
    #[wasm_bindgen(typescript_type = "TrainConfig")]
    pub type JsTrainConfig;

    /// `EpochReport` in TypeScript.
    #[wasm_bindgen(typescript_type = "EpochReport")]
    pub type JsEpochReport;

    /// `Trained` in TypeScript.
    #[wasm_bindgen(typescript_type = "Trained")]
    pub type JsTrained;

    /// `TrainingSpeed` in TypeScript.
    #[wasm_bindgen(typescript_type = "TrainingSpeed")]
    pub type JsTrainingSpeed;
}
