/** The options: which head decides, how strict the person is, which hosts were allowed, and forgetting all of it. */
import { deleteHead, listHeads } from "../heads.ts";
import { forgetKernels } from "../kernels.ts";
import { byId, h } from "../page/dom.ts";
import { limitsMeaning, showLimits } from "../page/limit-list.ts";
import { HeadList } from "./head-list.ts";
import { listen, reach, send } from "./link.ts";
import type { DetectorState, FromRoom } from "./messages.ts";

const heads = new HeadList();

function hear(message: FromRoom): void {
  if (message.kind === "head") void heads.hear(message);
  if (message.kind !== "all" && message.kind !== "detector") return;
  showLimit(message.detector);
  void heads.show(message.head);
}

function showLimit(detector: DetectorState): void {
  if (detector.phase !== "ready") return;
  const { head } = detector.opened.info;
  showLimits(byId("limits"), head, () => undefined); // the panel hears of it by itself
  byId("limits-meaning").textContent = limitsMeaning(head);
}

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
  await forgetKernels();
  localStorage.clear();
  const own = byId("limits").querySelector("input"); // the first
  if (own !== null) own.checked = true;
  const { origins = [] } = await chrome.permissions.getAll();
  if (origins.length > 0) await chrome.permissions.remove({ origins });
  await heads.show(null);
  byId("clear-outcome").textContent = "Done. Safelight is as on its first day.";
}

byId("clear-all").addEventListener("click", () => {
  clearEverything().catch(() => (byId("clear-outcome").textContent = "Not everything could be cleared. Try again."));
});
chrome.permissions.onAdded.addListener(() => void showHosts());
chrome.permissions.onRemoved.addListener(() => void showHosts());
void showHosts();
// The options only listen: what keeps the detector awake, and opens it again, is the panel.
listen(hear);
send({ kind: "hello" });
