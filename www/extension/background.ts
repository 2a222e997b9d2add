/**
 * The clicks, and fetching pictures. It keeps nothing, so the browser may stop it at any time: what was clicked
 * is with the room at once, and the room asks again for a picture that did not come.
 */
import { closeRoom, createRoom, openPanel, stayAwake } from "./browser.ts";
import { capture } from "./capture.ts";
import { isRoomOpen, tell } from "./link.ts";
import { LEFT_OUT } from "./messages.ts";
import type { ToBackground } from "./messages.ts";

const MENU = "check-image";
const ROOM_PAUSE_MS = 25;
/** A room listens after its modules are read, which a busy machine may take its time for. */
const ROOM_PATIENCE_MS = 30_000;
const ROOM_ATTEMPTS = 2;

chrome.runtime.onInstalled.addListener(async () => {
  await chrome.contextMenus.removeAll(); // an update finds its own from before
  chrome.contextMenus.create({ id: MENU, title: "Check image", contexts: ["image"] });
});

chrome.contextMenus.onClicked.addListener(({ menuItemId, srcUrl, frameId }, tab) => {
  if (menuItemId !== MENU || tab?.id === undefined) return;
  // Chromium leaves out addresses beyond 2 MB, which only `data:` has.
  const place = { tabId: tab.id, frameId: frameId ?? 0, url: srcUrl || LEFT_OUT };
  void openPanel(tab); // it says so itself if there is no room
  void openRoom().then((isOpen) => isOpen && tell({ kind: "look", place }));
});

chrome.action.onClicked.addListener((tab) => void openPanel(tab));

chrome.runtime.onMessage.addListener((message: ToBackground, _sender, respond) => {
  void answer(message).then(respond);
  return true; // the answer comes later
});

/** Never rejects: whoever asked would wait for ever. */
async function answer(message: ToBackground): Promise<unknown> {
  switch (message.kind) {
    case "fetch":
      return capture(message.place);
    case "open-room":
      return openRoom();
    case "stay-awake":
      return stayAwake();
  }
}

let opening: Promise<boolean> | null = null;

/** Resolves with `true` when there is a room that listens, with `false` when none could be opened. */
function openRoom(): Promise<boolean> {
  opening ??= open().catch(() => false).finally(() => (opening = null));
  return opening;
}

async function open(): Promise<boolean> {
  if (await isRoomOpen()) return true;
  for (let attempt = 1; attempt <= ROOM_ATTEMPTS; attempt += 1) {
    await createRoom().catch(() => undefined); // one that is just starting, for a background that was stopped
    for (const end = Date.now() + ROOM_PATIENCE_MS; Date.now() < end; ) {
      if (await isRoomOpen()) return true;
      await new Promise((resolve) => setTimeout(resolve, ROOM_PAUSE_MS));
    }
    await closeRoom().catch(() => undefined); // it is stuck, or was never there
  }
  return false;
}
