/**
 * The one language that the page, the extension and the worker speak.
 * `Calls` is keyed by kind, so that a call's kind fixes the types of its input and its result.
 */
import type { DetectorInfo, DevicePreference, Verdict } from "./safelight.js";

export interface Calls {
  /** Load a pack and a head; everything later uses them. */
  open: { input: OpenInput; result: Opened };
  /** Check one picture. Calls queue in the worker and are served one at a time. */
  check: { input: { picture: Blob }; result: Verdict };
  /** Stop the call with that id, waiting or running; served at once. Tells whether there was one. */
  cancel: { input: { call: number }; result: boolean };
}

export interface OpenInput {
  /** Absolute address of the folder that holds `catalog.json`. */
  models: string;
  /** Ids in the catalogue; `null` takes its default. */
  pack: string | null;
  head: string | null;
  /** A head's file in the place of the catalogue's. */
  headBytes?: Blob | null;
  preference: DevicePreference;
}

export interface Opened {
  info: DetectorInfo;
  /** What the person should know about how it was opened. */
  notices: Notice[];
}

export type Kind = keyof Calls;

export type Request = { [K in Kind]: { id: number; kind: K; input: Calls[K]["input"] } }[Kind];

export type Reply =
  | { id: number; result: Calls[Kind]["result"] }
  | { id: number; progress: Progress }
  | { id: number; error: Failure };

/** `download`, `load` and `wait` (for another tab's download) count bytes of the pack; `check` counts blocks of the image tower. */
export interface Progress {
  stage: "wait" | "download" | "load" | "check";
  done: number;
  total: number;
}

/** Something that went differently than hoped, without stopping the work. */
export interface Notice {
  code: "storage-full" | "storage-none" | "pack-reloaded" | "device-retried" | "device-replaced" | "limit-raised";
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
