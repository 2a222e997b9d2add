/** The line that says which detector runs where, and the panel that shows it loading. */
import type { ClientState } from "../client.ts";
import type { Notice, Opened, Problem, Progress } from "../protocol.ts";
import { announce, byId } from "./dom.ts";
import * as words from "./words.ts";

/** Announce a download at each of these parts of it. */
const MILESTONES = 4;

export class Status {
  #milestone = 0;

  constructor({ retry, siteHead }: { retry: () => void; siteHead: () => void }) {
    byId("retry").addEventListener("click", retry);
    byId("site-head").addEventListener("click", siteHead);
    closeWhenLeft(byId<HTMLDetailsElement>("device"));
  }

  /** `ownHead`: a head that the person trained or imported is asked for. */
  show(state: ClientState, ownHead: boolean): void {
    byId("model").dataset["phase"] = state.phase;
    byId("retry").hidden = state.phase !== "failed";
    byId("model-progress").hidden = state.phase !== "opening";
    if (state.phase === "opening") this.#opening(state.progress);
    else if (state.phase === "ready") this.#ready(state.opened, ownHead);
    else this.#failed(state.problem);
  }

  #opening(progress: Progress | null): void {
    byId("device-line").textContent = "Starting";
    const bar = byId<HTMLProgressElement>("model-progress");
    const counted = progress !== null && progress.stage !== "wait" && progress.done < progress.total;
    if (counted) {
      bar.max = progress.total;
      bar.value = progress.done;
    } else bar.removeAttribute("value");
    byId("model-line").textContent =
      progress === null ? "Opening the detector" : counted ? words.loading(progress) : "Testing the detector on this device";
    if (progress?.stage === "wait") byId("model-line").textContent = words.loading(progress);
    byId("model-note").textContent =
      progress?.stage === "download"
        ? "Once only: it then stays in this browser. You can choose pictures already."
        : "";
    if (progress?.stage === "download") this.#announceDownload(progress);
  }

  #announceDownload(progress: Progress): void {
    const milestone = Math.floor((progress.done / progress.total) * MILESTONES);
    if (milestone === this.#milestone && progress.done > 0) return;
    this.#milestone = milestone;
    announce(words.loading(progress));
  }

  #ready({ info, notices }: Opened, ownHead: boolean): void {
    const { device, head } = info;
    byId("device-line").textContent = words.deviceName(device);
    byId("device-dot").dataset["kind"] = device.kind;
    const test = device.selfTest === null ? "" : ` Self-test passed: it differs from the CPU by at most ${device.selfTest.maxDifference.toExponential(0)}.`;
    const why = device.fallback === null ? "" : ` ${device.fallback}`;
    byId("device-detail").textContent = `In use: ${words.deviceName(device)}.${test}${why}`;
    const own = ownHead && !notices.some(({ code }) => code === "head-replaced");
    byId("model").toggleAttribute("data-own-head", own);
    byId("site-head").hidden = !own;
    byId("model").toggleAttribute("data-blank", head.blank);
    byId("model-line").textContent = head.blank ? "This model has no head yet" : own ? `Your head “${head.name}” decides` : "The detector is ready";
    byId("model-note").textContent = words.parts(info);
    byId("worth-figures").textContent = head.blank ? "A model without a head gives no verdict." : words.figuresAtLength(head.figures, head.captions);
    const fallback: Notice[] = device.fallback === null ? [] : [{ code: "device-replaced", message: `Pictures are checked on the CPU. ${device.fallback}` }];
    showNotices([...notices, ...fallback]);
    if (head.blank) return announce("The model is open, and has no head yet");
    announce(`The detector is ready, on the ${words.deviceName(device)}`);
  }

  #failed(problem: Problem): void {
    byId("device-line").textContent = "Not ready";
    delete byId("device-dot").dataset["kind"];
    byId("model-line").textContent = words.sentence(problem);
    byId("model-note").textContent = "";
    byId("model").dataset["code"] = problem.code;
    announce(words.sentence(problem));
  }
}

function showNotices(notices: readonly Notice[]): void {
  const messages = new Set(notices.map(({ message }) => message));
  byId("notices").replaceChildren(
    ...[...messages].map((message) => {
      const item = document.createElement("li");
      item.textContent = message;
      return item;
    }),
  );
}

/** The panel closes like a menu: Escape, or a click elsewhere. */
function closeWhenLeft(panel: HTMLDetailsElement): void {
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !panel.open) return;
    const inside = panel.contains(document.activeElement);
    panel.open = false;
    if (inside) panel.querySelector("summary")?.focus();
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (target instanceof Node && !panel.contains(target)) panel.open = false;
  });
}
