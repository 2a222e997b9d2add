/** The panel: a view of the room. Every picture and verdict it shows lives there. */
import { announce, byId } from "../page/dom.ts";
import { giveDropsTo, listenForDrops } from "../page/drops.ts";
import { takeIn } from "../page/intake.ts";
import { chosenRate } from "../page/limit.ts";
import { onPreference, readSettings } from "../page/settings.ts";
import { Status } from "../page/status.ts";
import * as words from "../page/words.ts";
import { Problem } from "../protocol.ts";
import { EntryCard, checkState } from "./entry-card.ts";
import { send, watch } from "./link.ts";
import { hasEnded, isLost } from "./messages.ts";
import type { DetectorState, Entry, FromRoom } from "./messages.ts";

const settings = readSettings();
const status = new Status({
  retry: () => send({ kind: "reopen", preference: settings.preference }),
  siteHead: () => send({ kind: "use-head", head: null }),
});
const cards = new Map<string, EntryCard>();
/** Files that were given here, until they have an answer: a room that ends may lose them. */
const given = new Map<string, File>();

function hear(message: FromRoom): void {
  if (message.kind === "all") {
    showAll(message.entries);
    showDetector(message.detector, message.head !== null);
  } else if (message.kind === "entry") showOne(message.entry);
  else if (message.kind === "detector") showDetector(message.detector, message.head !== null);
}

function showAll(entries: readonly Entry[]): void {
  const kept = new Set(entries.map(({ id }) => id));
  const active = document.activeElement; // asked for now: what is hidden loses it at once in some browsers
  const focused = active?.closest(".card");
  const place = focused ? [...byId("cards").children].indexOf(focused) : -1;
  for (const [id, card] of cards) {
    if (kept.has(id)) continue;
    card.remove();
    cards.delete(id);
    given.delete(id);
  }
  for (const entry of entries) if (!cards.has(entry.id)) cards.set(entry.id, new EntryCard(entry));
  for (const entry of entries) showOne(entry);
  const elements = entries.map(({ id }) => cards.get(id)?.element).filter((element) => element !== undefined);
  elements.forEach((element, index) => {
    const before = byId("cards").children[index] ?? null;
    if (before !== element) byId("cards").insertBefore(element, before); // one that stays keeps its focus
  });
  byId("results").hidden = entries.length === 0;
  byId("clear").hidden = entries.length < 2;
  byId("results-count").textContent = entries.length > 1 ? String(entries.length) : "";
  if (focused && !focused.isConnected) focusNear(place, entries);
  else if (byId("clear").hidden && active === byId("clear")) byId("pick").focus();
}

/** The focus of a card that is gone goes to its neighbour. */
function focusNear(place: number, entries: readonly Entry[]): void {
  const neighbour = cards.get((entries[place] ?? entries[place - 1])?.id ?? "");
  if (neighbour === undefined) byId("pick").focus();
  else neighbour.focus();
}

function showOne(entry: Entry): void {
  const card = cards.get(entry.id);
  if (card === undefined) return; // removed meanwhile
  if (isGivenAgain(entry)) return;
  const state = checkState(entry, chosenRate());
  const spoken = words.spoken(state);
  if (card.show(entry, state) && spoken !== null) announce(`${entry.name}: ${spoken}`);
}

/** Gives the room a file again that was lost with the room before it; tells whether. */
function isGivenAgain({ id, name, state }: Entry): boolean {
  const picture = given.get(id);
  if (picture === undefined || !hasEnded(state)) return false;
  if (isLost(state)) send({ kind: "check", id, picture, name });
  else given.delete(id);
  return isLost(state);
}

function showDetector(detector: DetectorState, ownHead: boolean): void {
  const { phase } = detector;
  if (phase === "failed") status.show({ phase, problem: new Problem(detector.failure.code, detector.failure.message) }, ownHead);
  else status.show(phase === "asleep" ? { phase: "opening", progress: null } : detector, ownHead);
}

/** The tab beside the panel. Its picture is read only if the person clicked Safelight's button or menu there. */
async function checkLargest(): Promise<void> {
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  if (tab?.id !== undefined) send({ kind: "look", place: { tabId: tab.id, frameId: 0, url: null } });
}

const check = (files: readonly File[]): void => {
  for (const file of files) {
    const id = crypto.randomUUID();
    given.set(id, file);
    send({ kind: "check", id, picture: file, name: file.name });
  }
};
giveDropsTo(takeIn(check, () => true));
listenForDrops();
onPreference(settings, (preference) => send({ kind: "reopen", preference }));
byId("largest").addEventListener("click", () => void checkLargest());
byId("clear").addEventListener("click", () => send({ kind: "clear" }));
byId("options").addEventListener("click", () => void chrome.runtime.openOptionsPage());
// The options page changed the limit: the verdicts are shown under the new one.
window.addEventListener("storage", () => send({ kind: "hello" }));
void watch(hear);
