/**
 * The clicks, and fetching pictures. It keeps nothing, so the browser may stop it at any time: what was clicked
 * is with the room at once, and the room asks again for a picture that did not come.
 */
import { createRoom, openPanel, stayAwake } from "./browser.ts";
import { capture } from "./capture.ts";
import { isRoomOpen, tell } from "./link.ts";
import type { ToBackground } from "./messages.ts";

const MENU = "check-image";
const ROOM_PAUSE_MS = 25;

chrome.runtime.onInstalled.addListener(async () => {
  await chrome.contextMenus.removeAll(); // an update finds its own from before
  chrome.contextMenus.create({ id: MENU, title: "Check image", contexts: ["image"] });
});

chrome.contextMenus.onClicked.addListener(({ menuItemId, srcUrl, frameId }, tab) => {
  if (menuItemId !== MENU || srcUrl === undefined || tab?.id === undefined) return;
  const place = { tabId: tab.id, frameId: frameId ?? 0, url: srcUrl };
  void openPanel(tab);
  void openRoom().then(() => tell({ kind: "look", place }));
});

chrome.action.onClicked.addListener((tab) => void openPanel(tab));

chrome.runtime.onMessage.addListener((message: ToBackground, _sender, respond) => {
  void answer(message).then(respond);
  return true; // the answer comes later
});

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

let opening: Promise<void> | null = null;

/** Resolves when there is a room that listens. */
function openRoom(): Promise<void> {
  opening ??= open().finally(() => (opening = null));
  return opening;
}

async function open(): Promise<void> {
  if (await isRoomOpen()) return;
  await createRoom().catch(() => undefined); // one that is just starting, for a background that was stopped
  while (!(await isRoomOpen())) await new Promise((resolve) => setTimeout(resolve, ROOM_PAUSE_MS));
}
