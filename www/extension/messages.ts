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
  state: EntryState;
}

/** The states of the line, a problem as plain data; and two before it is in the line. */
export type EntryState =
  | { name: "fetching" }
  /** Only its host can give it, and the person has not allowed that. `origin` is a match pattern. */
  | { name: "blocked"; origin: string; host: string }
  | Exclude<CheckState, { name: "failed" }>
  | { name: "failed"; failure: Failure };

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
  | { kind: "check"; picture: Blob; name: string }
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

/** Asked of the background. `stay-awake`: the room is in use. */
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
