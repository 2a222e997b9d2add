/** What the screens of training share: what the page lends, and where to go next. */
import type { StoredHead, TrainInput } from "../../protocol.ts";
import type { Taker } from "../drops.ts";
import type { Lent } from "./lent.ts";
import type { Project } from "./project.ts";

/** A screen of the training view. `leave` stops what it runs. */
export interface Screen {
  element: HTMLElement;
  step: Step;
  leave?: () => void;
  /** Another head is in use. */
  headChanged?: () => void;
  /** SHA-256 of the pictures whose features it works with. */
  needs?: () => Iterable<string>;
  /** What a drop does here; nothing, where it is missing. */
  drop?: Taker;
}

export type Step = "folder" | "labels" | "audit" | "train" | "report";

/** What is to be trained. */
export interface Plan {
  input: TrainInput;
  /** `null` when a training goes on after a reload, with its folder closed. */
  project: Project | null;
  /** Whether the features must be computed first, or are all kept. */
  features: "compute" | "kept";
}

/** Where a screen leads. Only the view knows the screens, so none of them knows another. */
export type Place =
  | { at: "intake" }
  | { at: "labels"; project: Project }
  | { at: "facts"; project: Project }
  | { at: "audit"; project: Project }
  | { at: "training"; plan: Plan }
  /** Of a head; `project`: the folder it was trained on, while that is open. */
  | { at: "report"; head: StoredHead; project: Project | null };

export interface Bench extends Lent {
  go(place: Place): void;
  /** The list of heads changed. */
  headsChanged(): void;
}
