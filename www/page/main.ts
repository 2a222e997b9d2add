/** Puts the page together: settings, one session, one queue, two views. */
import type { DetectorInfo } from "../safelight.js";
import { byId } from "./dom.ts";
import { listenForDrops } from "./drops.ts";
import { takeIn } from "./intake.ts";
import { limitsMeaning, showLimits } from "./limit-list.ts";
import { offerModels } from "./models.ts";
import { keepOffline, keepStored } from "./offline.ts";
import { Queue } from "./queue.ts";
import { Session } from "./session.ts";
import { onPreference, readSettings } from "./settings.ts";
import { Status } from "./status.ts";
import { Views } from "./views.ts";

const settings = readSettings();
const status = new Status({
  retry: () => void session.open(settings.preference),
  siteHead: () => void session.useHead(null).catch(() => undefined), // a lost worker is told by its state
});
const session: Session = new Session(
  settings,
  (state) => {
    status.show(state, settings.storedHead !== null);
    if (state.phase === "ready") showHead(state.opened.info.head);
  },
  (client) => queue.use(client),
);
const queue = new Queue(session);
const checkDrops = takeIn((files) => queue.add(files), () => document.body.dataset["view"] === "check");
const views = new Views(session, checkDrops);

function showHead(head: DetectorInfo["head"]): void {
  byId("no-head").hidden = !head.blank;
  showLimits(byId("limits"), head, () => queue.refresh());
  byId("limits").hidden = head.operatingPoints.length === 0;
  byId("limits-meaning").textContent = head.operatingPoints.length === 0 ? "" : limitsMeaning(head);
}

offerModels(session);
listenForDrops();
session.onHead(() => (byId("site-head").hidden = session.headInUse() === null));
onPreference(settings, (preference) => void session.open(preference));
queue.onVerdict = () => void keepStored().catch(() => undefined);
views.follow();
void session.open(settings.preference);
void keepOffline();
