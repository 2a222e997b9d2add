/** How the background, the panel and the options reach the room. */
import { asProblem, Problem } from "../protocol.ts";
import { asFailure, CHANNEL, PANEL_LOCK, ROOM_LOCK } from "./messages.ts";
import type { FromRoom, ToBackground, ToRoom } from "./messages.ts";
import { SENTENCES } from "./sentences.ts";

/** Attempts to ask the background: the browser may just be stopping it. */
const ATTEMPTS = 5;
const PAUSE_MS = 300;
/** Between attempts to open a room that did not open. */
const REOPEN_MS = 3_000;

const channel = new BroadcastChannel(CHANNEL);
const listeners: ((message: FromRoom) => void)[] = [];

/** To a room that is there; `reach` sees to that. */
export function tell(message: ToRoom): void {
  channel.postMessage(message);
}

/** Asks the background to open the room if there is none, then says `message`. Rejects with a `Problem` where there can be no room. */
export async function reach(message: ToRoom): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const isOpen = await ask({ kind: "open-room" }).catch(() => undefined); // a background that is being stopped gives no answer
    if (isOpen === true) return tell(message);
    if (isOpen === false) break;
    await pause(PAUSE_MS);
  }
  throw new Problem("room-closed", SENTENCES.closed);
}

/** `reach`, where nobody waits; whoever listens hears of a room that could not be opened. */
export function send(message: ToRoom): void {
  reach(message).catch(report);
}

export function ask(message: ToBackground): Promise<unknown> {
  return chrome.runtime.sendMessage(message);
}

/** Whether a room is there and listens. */
export function isRoomOpen(): Promise<boolean> {
  return isHeld(ROOM_LOCK);
}

/** Whether anybody looks at the room. */
export function isPanelOpen(): Promise<boolean> {
  return isHeld(PANEL_LOCK);
}

async function isHeld(lock: string): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === lock);
}

/** `hear` gets everything that a room says, for as long as this document lives. */
export function listen(hear: (message: FromRoom) => void): void {
  listeners.push(hear);
  channel.addEventListener("message", ({ data }: MessageEvent<FromRoom | ToRoom>) => {
    if (isFromRoom(data)) hear(data);
  });
}

/**
 * Looks at the room for as long as this document lives, which keeps the detector awake: `hear` gets everything it
 * says. When the room ends (the browser stopped it, or it crashed), it is opened again.
 */
export async function watch(hear: (message: FromRoom) => void): Promise<never> {
  listen(hear);
  void navigator.locks.request(PANEL_LOCK, { mode: "shared" }, () => new Promise<never>(() => undefined));
  for (;;) {
    try {
      await reach({ kind: "hello" });
      await navigator.locks.request(ROOM_LOCK, () => undefined); // granted when the room has ended
    } catch (thrown) {
      report(thrown);
      await pause(REOPEN_MS);
    }
  }
}

function report(thrown: unknown): void {
  const failure = asFailure(asProblem(thrown, "room-closed"));
  for (const hear of listeners) hear({ kind: "detector", detector: { phase: "failed", failure }, head: null });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Panels hear each other as well. */
function isFromRoom(message: FromRoom | ToRoom): message is FromRoom {
  return message.kind === "all" || message.kind === "entry" || message.kind === "detector" || message.kind === "head";
}
