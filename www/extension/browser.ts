/** Everything in which Chromium and Firefox differ; the build keeps one half. */

import { isPanelOpen } from "./link.ts";

declare const BROWSER: "chromium" | "firefox";

/** Firefox's own, which @types/chrome lacks. */
declare const browser: { sidebarAction: { open(): Promise<void> } };

/** Opens the panel beside the page. To be called at once in the click's handler: later it is no click any more. */
export async function openPanel(tab: chrome.tabs.Tab | undefined): Promise<void> {
  try {
    if (BROWSER === "firefox") await browser.sidebarAction.open();
    else await chrome.sidePanel.open({ windowId: tab?.windowId ?? chrome.windows.WINDOW_ID_CURRENT });
  } catch {
    if (await isPanelOpen()) return; // and it follows the room
    // Windows without a side panel (installed web apps, pop-ups): the same panel in a tab.
    await chrome.tabs.create({ url: chrome.runtime.getURL("panel.html") });
  }
}

/**
 * Creates the room. Chromium's background cannot start workers, so there it is an offscreen document; Firefox's
 * background is a page, and the room a frame in it.
 */
export async function createRoom(): Promise<void> {
  if (BROWSER === "firefox") {
    const room = document.createElement("iframe");
    room.src = chrome.runtime.getURL("room.html");
    document.body.append(room);
  } else {
    await chrome.offscreen.createDocument({
      url: "room.html",
      reasons: [chrome.offscreen.Reason.WORKERS],
      justification: "The detector computes in a worker, which must outlive the panel and the background script.",
    });
  }
}

/** Ends a room that does not answer, so that another can be created. */
export async function closeRoom(): Promise<void> {
  if (BROWSER === "firefox") for (const room of document.querySelectorAll("iframe")) room.remove();
  else await chrome.offscreen.closeDocument();
}

/** Whether the room ends when the browser stops an idle background: in Firefox it is a part of it. */
export const ROOM_ENDS_WITH_BACKGROUND = BROWSER === "firefox";

/** Memory that outlives the room: for where the room ends with the background. */
export function sessionMemory(): chrome.storage.StorageArea | null {
  return ROOM_ENDS_WITH_BACKGROUND ? chrome.storage.session : null;
}

/**
 * Called in the background, starts the browser's patience anew: Firefox stops a background after 30 s without a
 * call of an extension API from its own document. One from a frame in it, such as the room, does not count, nor
 * does a message by itself.
 */
export function stayAwake(): void {
  void chrome.runtime.getPlatformInfo();
}
