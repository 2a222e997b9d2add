/**
 * The one language that the page, the extension and the worker speak.
 * `Calls` is keyed by kind, so that a call's kind fixes the types of its input and its result.
 */
import type {
  AuditReport,
  EpochReport,
  FolderMapping,
  LabelledPicture,
  Labelling,
  LossConfig,
  MetadataFile,
  Naming,
  PresetName,
  TrainConfig,
  TrainingReport,
} from "./safelight-training.js";
import type { DetectorInfo, DeviceInfo, DevicePreference, Facts, HeadFigures, Verdict } from "./safelight.js";

export interface Calls {
  /** Load a pack and a head; everything later uses them. */
  open: { input: OpenInput; result: Opened };
  /** Check one picture. Calls queue in the worker and are served one at a time. A caption counts where the head reads captions. */
  check: { input: { picture: Blob; caption: string | null }; result: Verdict };
  /** What will probably be checked next, so that it may be made ready meanwhile; `null`: nothing. Served at once. */
  expect: { input: { picture: Blob | null }; result: null };
  /** Use a head that this browser keeps (by SHA-256), or again the site's (`null`). */
  useHead: { input: { head: string | null }; result: DetectorInfo };
  /** Whether a file is a head that fits the open pack; what it says of itself. */
  readHead: { input: { file: Blob }; result: DetectorInfo["head"] };
  /** Labels and sources from the paths of a folder. */
  label: { input: { paths: string[]; metadata: MetadataFile[]; mapping: FolderMapping }; result: Labelling };
  /** Facts and features of one picture and its caption, kept in this browser; what is already kept is not computed again. */
  embed: { input: { picture: Blob; treatments: string[]; caption: string | null }; result: Embedding };
  /** Which of these pictures (SHA-256) lack features under one of `treatments`, for the model and the head in use. */
  missing: { input: { pictures: string[]; treatments: string[] }; result: string[] };
  /** The recipes that the page offers, whole. */
  presets: { input: Record<string, never>; result: Presets };
  /** What the facts alone give away, and the captions. */
  audit: { input: { pictures: LabelledPicture[] }; result: AuditReport };
  /** Train a head from kept features. The same `id` again goes on where it stopped. */
  train: { input: TrainInput; result: StoredHead };
  /** Convert a CLIP checkpoint into a model that this browser keeps. The same again goes on where it was interrupted. */
  addModel: { input: AddModel; result: StoredModel };
  /** The models that were added. */
  listModels: { input: Record<string, never>; result: KeptModels };
  /** Delete one (by SHA-256), or all that is unfinished (`null`). */
  dropModel: { input: { sha256: string | null }; result: null };
  /** End the present stage of a training with the epoch under way, and every later one after as many; served at once. */
  shorten: { input: { call: number }; result: boolean };
  /** Stop the call with that id, waiting or running; served at once. Tells whether there was one. */
  cancel: { input: { call: number }; result: boolean };
}

export interface OpenInput {
  /** Absolute address of the folder that holds `catalog.json`. */
  models: string;
  /** Ids in the catalogue; `null` takes its default. */
  pack: string | null;
  head: string | null;
  /** SHA-256 of a model that was added to this browser, used in place of the catalogue's. */
  storedPack: string | null;
  /** SHA-256 of a head that this browser keeps, used in place of the catalogue's. */
  storedHead: string | null;
  preference: DevicePreference;
}

export interface Opened {
  info: DetectorInfo;
  /** What the person should know about how it was opened. */
  notices: Notice[];
}

export interface Embedding {
  facts: Facts;
  /** Nothing had to be computed. */
  known: boolean;
}

export type Presets = Record<"default" | "fine-tune", TrainConfig>;

export interface TrainInput {
  /** Names this training, so that it can go on after the tab or the worker was lost. */
  id: string;
  pictures: LabelledPicture[];
  /** Rows of a picture, in order. */
  treatments: string[];
  preset: PresetName;
  /** What differs from the preset. */
  config: Partial<Omit<TrainConfig, "loss">> & { loss?: Partial<LossConfig> };
  /** Whether the head reads captions too. */
  captions: boolean;
  /** Start from the head in use rather than from scratch. */
  fineTune: boolean;
  naming: Naming;
  /** Goes into the report. */
  audit: AuditReport | null;
}

/** A head that this browser keeps. */
export interface StoredHead {
  sha256: string;
  name: string;
  /** Day of training and day of arrival here, ISO 8601. */
  trained: string;
  added: string;
  /** SHA-256 of the pack that it belongs to. */
  pack: string;
  bytes: number;
  figures: HeadFigures;
  /** `null` for an imported head that carries none. */
  report: TrainingReport | null;
  worst: WorstMistake[];
}

/** A picture that the head got wrong with confidence, while it had not been trained on it. */
export interface WorstMistake {
  name: string;
  sha256: string;
  probability: number;
  generated: boolean;
}

/** Where a checkpoint in Hugging Face's form lies: its config.json and its safetensors files. */
export type ModelSource =
  | { kind: "files"; files: File[] }
  /** A folder of this site, as an absolute path. */
  | { kind: "site"; folder: string }
  | { kind: "hub"; id: string; revision: string };

export interface AddModel {
  source: ModelSource;
  /** Matrices in int8 rather than float16. */
  int8: boolean;
  /** `null` takes the source's. */
  name: string | null;
}

/** A model that was added to this browser. */
export interface StoredModel {
  /** Of its weight file. */
  sha256: string;
  id: string;
  name: string;
  /** Length of its weight file. */
  bytes: number;
  int8: boolean;
  /** ISO 8601. */
  added: string;
  /**
   * Whether its files were compared with the SHA-256 that their source gives: they were; they came in more than one
   * go, so they were not; the source gives none.
   */
  checked: "whole" | "interrupted" | "unknown";
  /** The text of its `pack.json`. */
  manifest: string;
}

export interface KeptModels {
  /** The newest first. */
  models: StoredModel[];
  /** Bytes that unfinished ones take. */
  unfinished: number;
}

export type Kind = keyof Calls;

/** What is about added models: it needs no device, and is about no picture. */
export type ModelKind = "addModel" | "listModels" | "dropModel";

export function isOfModels(kind: Kind): kind is ModelKind {
  return kind === "addModel" || kind === "listModels" || kind === "dropModel";
}

export type Request = { [K in Kind]: { id: number; kind: K; input: Calls[K]["input"] } }[Kind];

export type Reply =
  | { id: number; result: Calls[Kind]["result"] }
  | { id: number; progress: Progress }
  | { id: number; error: Failure };

/** What a helper computes with: the kernels' module, and the memory that all threads share. */
export interface HelperInput {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

/** What the worker asks of its page: to start a helper (which it numbers), or to end it (`null`). */
export interface HelperOrder {
  helper: number;
  begin: HelperInput | null;
}

/** What became of a helper: it computes, or it could not be started. */
export interface HelperNews {
  helper: number;
  ready: boolean;
}

export type ToWorker = Request | HelperNews;
export type FromWorker = Reply | HelperOrder;

/**
 * `convert` counts bytes of a checkpoint; `wait`: another tab may have the turn. `download` and `load` count bytes of the pack; `check` and `embed` count
 * blocks of the image tower; `audit` its folds; `gather` pictures whose features are read; `epoch` epochs.
 */
export interface Progress {
  stage: "wait" | "convert" | "download" | "load" | "check" | "embed" | "audit" | "gather" | "epoch" | "finish";
  done: number;
  total: number;
  /** With the last `gather`: where the training computes. */
  device?: DeviceInfo;
  /** With `epoch`: those that are new since the last report. */
  epochs?: EpochReport[];
  /** With `epoch`: later stages end after this many epochs. */
  limit?: number | null;
}

/** Something that went differently than hoped, without stopping the work. */
export interface Notice {
  code: "storage-full" | "storage-none" | "pack-reloaded" | "device-retried" | "device-replaced" | "limit-chosen" | "head-replaced" | "model-replaced" | "threads-lost" | "picture-gone";
  message: string;
}

/** An error as it crosses to the page. Codes of the Rust library pass unchanged. */
export interface Failure {
  code: string;
  message: string;
}

/** An error with the stable code that sentences and recovery are chosen by. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "Problem";
  }
}

/** Any thrown value as a `Problem`; what carries no code is the fault of `otherwise`. */
export function asProblem(thrown: unknown, otherwise: string): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof Error) {
    if (thrown.name === "AbortError") return new Problem("cancelled", "Stopped.");
    const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : otherwise;
    return new Problem(code, thrown.message);
  }
  return new Problem(otherwise, String(thrown));
}
