/** How the background, the panel and the options reach the room. */
import { CHANNEL, PANEL_LOCK, ROOM_LOCK } from "./messages.ts";
import type { FromRoom, ToBackground, ToRoom } from "./messages.ts";

const channel = new BroadcastChannel(CHANNEL);

/** To a room that is there; `reach` sees to that. */
export function tell(message: ToRoom): void {
  channel.postMessage(message);
}

/** Asks the background to open the room if there is none, then says `message`. */
export async function reach(message: ToRoom): Promise<void> {
  await ask({ kind: "open-room" });
  tell(message);
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

/**
 * Looks at the room for as long as this document lives: `hear` gets everything it says. When the room ends (the
 * browser stopped it, or it crashed), it is opened again.
 */
export async function watch(hear: (message: FromRoom) => void): Promise<never> {
  channel.addEventListener("message", ({ data }: MessageEvent<FromRoom | ToRoom>) => {
    if (isFromRoom(data)) hear(data);
  });
  void navigator.locks.request(PANEL_LOCK, { mode: "shared" }, () => new Promise<never>(() => undefined));
  for (;;) {
    await reach({ kind: "hello" });
    await navigator.locks.request(ROOM_LOCK, () => undefined); // granted when the room has ended
  }
}

/** Panels hear each other as well. */
function isFromRoom(message: FromRoom | ToRoom): message is FromRoom {
  return message.kind === "all" || message.kind === "entry" || message.kind === "detector" || message.kind === "head";
}
