/** The options: which head decides, how strict the person is, which hosts were allowed, and forgetting all of it. */
import { byId } from "../page/dom.ts";
import * as words from "../page/words.ts";
import { Problem } from "../protocol.ts";
import type { Opened } from "../protocol.ts";
import { HeadList } from "./head-list.ts";
import { forgetHeads } from "./heads.ts";
import { reach, watch } from "./link.ts";
import type { DetectorState, FromRoom } from "./messages.ts";
import { chooseHead, chooseLimit, chosenLimit } from "./settings.ts";

/** The limit's scale ends here: no estimate deserves 100 %. */
const HIGHEST = 99;

/** Whoever waits for the detector to be opened anew. */
let waiting: ((state: Opened | Problem) => void) | null = null;
const heads = new HeadList(reopen);

/** Opens the detector with what is chosen now, and tells how that went. */
function reopen(): Promise<Opened | Problem> {
  return new Promise((resolve) => {
    waiting = null;
    void reach({ kind: "reopen" }).then(() => (waiting = resolve));
  });
}

function hear(message: FromRoom): void {
  if (message.kind === "entry") return;
  const { detector } = message;
  showLimit(detector);
  if (detector.phase !== "ready" && detector.phase !== "failed") return;
  if (message.kind === "all") return; // an answer to somebody's greeting, not the outcome of an opening
  const outcome = detector.phase === "ready" ? detector.opened : new Problem(detector.failure.code, detector.failure.message);
  waiting?.(outcome);
  waiting = null;
}

/** The head's own limit is read from its figures' verdicts: it arrives with the detector. */
function showLimit(detector: DetectorState): void {
  const slider = byId<HTMLInputElement>("limit");
  slider.disabled = detector.phase !== "ready";
  if (detector.phase !== "ready") return;
  const { thresholds, figures } = detector.opened.info.head;
  const own = Math.ceil(thresholds.generated * 100);
  slider.min = String(own);
  slider.max = String(Math.max(own, HIGHEST));
  slider.value = String(Math.max(own, Math.round((chosenLimit() ?? 0) * 100)));
  byId("limit-own").textContent =
    `A false alarm is a real photograph that is called generated. The head in use was measured at its own limit, ` +
    `${words.percent(thresholds.generated)}: there it called ${words.share(figures.realCalledGenerated, "real photographs")} generated, ` +
    `on ${figures.n.toLocaleString("en")} pictures from sources it had never seen.`;
  describeLimit();
}

function describeLimit(): void {
  const slider = byId<HTMLInputElement>("limit");
  const own = slider.value === slider.min;
  byId("limit-value").textContent = own ? `${slider.value} %, the head’s own` : `${slider.value} %`;
  byId("limit-meaning").textContent = own
    ? ""
    : "Stricter than the head’s own: fewer false alarms, and more answers “can’t tell”. How many fewer was not measured.";
}

byId("limit").addEventListener("input", () => {
  const slider = byId<HTMLInputElement>("limit");
  chooseLimit(slider.value === slider.min ? null : Number(slider.value) / 100);
  describeLimit();
});

async function showHosts(): Promise<void> {
  const { origins = [] } = await chrome.permissions.getAll();
  byId("hosts").replaceChildren(
    ...origins.map((origin) => {
      const item = document.createElement("li");
      const remove = document.createElement("button");
      remove.className = "quiet";
      remove.textContent = "Take back";
      remove.setAttribute("aria-label", `Take back ${origin}`);
      remove.addEventListener("click", () => void chrome.permissions.remove({ origins: [origin] }));
      item.append(origin.replace(/\/\*$/, ""), remove);
      return item;
    }),
  );
}

async function clearEverything(): Promise<void> {
  await reach({ kind: "clear" });
  await forgetHeads();
  localStorage.clear();
  chooseHead(null);
  const { origins = [] } = await chrome.permissions.getAll();
  if (origins.length > 0) await chrome.permissions.remove({ origins });
  await heads.show();
  await reopen();
  byId("clear-outcome").textContent = "Done. Safelight is as on its first day.";
}

byId("clear-all").addEventListener("click", () => void clearEverything());
chrome.permissions.onAdded.addListener(() => void showHosts());
chrome.permissions.onRemoved.addListener(() => void showHosts());
void showHosts();
void heads.show();
void watch(hear);
