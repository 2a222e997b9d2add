/**
 * What the parts of the extension say to each other.
 *
 *     background ── right-click ──▶ room ──── entries ───▶ panel, options
 *         ▲                          │ ▲                      │
 *         └───── fetch a picture ────┘ └── check, cancel, … ──┘
 *
 * The room and those who look at it share a BroadcastChannel, which carries Blobs. The background is asked by
 * `runtime.sendMessage`, which starts it when the browser has stopped it.
 */
import type { CheckState } from "../line.ts";
import type { Failure, Opened, Progress } from "../protocol.ts";
import type { DevicePreference } from "../safelight.js";

/** Where a picture is: on a tab's page. */
export interface Place {
  tabId: number;
  frameId: number;
  /** `null`: the largest picture of the page. */
  url: string | null;
}

/** Stands for the address that a browser left out because of its length: a `data:` picture of more than 2 MB. */
export const LEFT_OUT = "data:";

/** One picture of this session, as the room knows it and the panel shows it. */
export interface Entry {
  id: string;
  name: string;
  /** Bytes of its file, 0 until it is here. */
  size: number;
  /** A small copy as a `data:` address, `null` until there is one. */
  thumbnail: string | null;
  /** The page's own words about it: alternative text, caption of its figure. */
  caption: string | null;
  /** The words that the person gave with it; only these count. */
  given: string | null;
  /** The host it was fetched from, if any. */
  host: string | null;
  /** How often a room ended in the middle of its check. */
  interrupted: number;
  state: EntryState;
}

/** The states of the line, a problem as plain data; and two before it is in the line. */
export type EntryState =
  | { name: "fetching" }
  /** Only its host can give it, and the person has not allowed that. `origin` is a match pattern. */
  | { name: "blocked"; origin: string; host: string }
  | Exclude<CheckState, { name: "failed" }>
  | { name: "failed"; failure: Failure };

export const CHECK_LOST = "check-lost";

/** Whether nothing more happens by itself. */
export function hasEnded({ name }: EntryState): boolean {
  return name === "done" || name === "failed" || name === "blocked";
}

/** Whether the picture is nowhere any more, but with whoever gave it. */
export function isLost(state: EntryState): boolean {
  return state.name === "failed" && state.failure.code === CHECK_LOST;
}

/** What the room's detector is doing. `asleep`: nothing to do for minutes, memory given back. */
export type DetectorState =
  | { phase: "asleep" }
  | { phase: "opening"; progress: Progress | null }
  | { phase: "ready"; opened: Opened }
  | { phase: "failed"; failure: Failure };

/** Said to the room. */
export type ToRoom =
  | { kind: "hello" }
  | { kind: "look"; place: Place }
  /** `id`: the new entry's, or that of one whose picture the room has lost (`check-lost`). */
  | { kind: "check"; id: string; picture: Blob; name: string }
  | { kind: "cancel" | "again" | "remove"; id: string }
  /** Check that picture again with the words it came with, or (`null`) without any. */
  | { kind: "caption"; id: string; caption: string | null }
  | { kind: "clear" }
  /** Forget the pictures and the choices, and open the detector as on the first day. */
  | { kind: "reset" }
  /** Open the detector anew, on that device. */
  | { kind: "reopen"; preference: DevicePreference }
  /** Use a head that this browser keeps (by SHA-256), or again the one that ships (`null`). */
  | { kind: "use-head"; head: string | null }
  /** Keep the head in this file, if it is one that fits, and use it. */
  | { kind: "import-head"; file: Blob };

/** Said by the room, to whoever listens. */
export type FromRoom =
  | { kind: "all"; detector: DetectorState; entries: Entry[]; head: string | null }
  | { kind: "entry"; entry: Entry }
  /** `head`: the person's own that is in use. */
  | { kind: "detector"; detector: DetectorState; head: string | null }
  /** How using or importing a head went. */
  | { kind: "head"; head: string | null; outcome: { name: string; trained: string } | Failure };

/** A problem as plain data. */
export function asFailure({ code, message }: Failure): Failure {
  return { code, message };
}

/** Asked of the background. `open-room` is answered with whether there is one now; `stay-awake`: the room is in use. */
export type ToBackground = { kind: "open-room" | "stay-awake" } | { kind: "fetch"; place: Place };

/** The background's answer to `fetch`. */
export type Fetched =
  | { kind: "picture"; data: string; name: string; caption: string | null; host: string | null }
  | { kind: "blocked"; origin: string; host: string; name: string; caption: string | null }
  | { kind: "failed"; failure: Failure };

export const CHANNEL = "safelight-room";
/** Held by the room while it lives, so that its end is noticed at once. */
export const ROOM_LOCK = "safelight-room";
/** Shared by all open panels. */
export const PANEL_LOCK = "safelight-panel";
