/** The options: which head decides, how strict the person is, which hosts were allowed, and forgetting all of it. */
import { deleteHead, listHeads } from "../heads.ts";
import { byId, h } from "../page/dom.ts";
import * as words from "../page/words.ts";
import { HeadList } from "./head-list.ts";
import { reach, watch } from "./link.ts";
import type { DetectorState, FromRoom } from "./messages.ts";
import { chooseLimit, chosenLimit } from "./settings.ts";

/** The limit's scale ends here: no estimate deserves 100 %. */
const HIGHEST = 99;

const heads = new HeadList();

function hear(message: FromRoom): void {
  if (message.kind === "head") void heads.hear(message);
  if (message.kind !== "all" && message.kind !== "detector") return;
  showLimit(message.detector);
  void heads.show(message.head);
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
      const takeBack = (): void => void chrome.permissions.remove({ origins: [origin] });
      const remove = h("button", { type: "button", class: "quiet", "aria-label": `Take back ${origin}`, click: takeBack }, "Take back");
      return h("li", {}, origin.replace(/\/\*$/, ""), remove);
    }),
  );
}

async function clearEverything(): Promise<void> {
  await reach({ kind: "reset" });
  for (const { sha256 } of await listHeads()) await deleteHead(sha256);
  localStorage.clear();
  const slider = byId<HTMLInputElement>("limit");
  slider.value = slider.min;
  describeLimit();
  const { origins = [] } = await chrome.permissions.getAll();
  if (origins.length > 0) await chrome.permissions.remove({ origins });
  await heads.show(null);
  byId("clear-outcome").textContent = "Done. Safelight is as on its first day.";
}

byId("clear-all").addEventListener("click", () => void clearEverything());
chrome.permissions.onAdded.addListener(() => void showHosts());
chrome.permissions.onRemoved.addListener(() => void showHosts());
void showHosts();
void watch(hear);
