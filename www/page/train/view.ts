/** The training view: steps one after another, and below them the heads that this browser keeps. */
import { h } from "../dom.ts";
import { giveDropsTo } from "../drops.ts";
import { audit } from "./audit.ts";
import type { Bench, Place, Screen, Step } from "./bench.ts";
import { facts } from "./facts.ts";
import { intake } from "./intake.ts";
import { labels } from "./labels.ts";
import { KeptFeaturesLine } from "./keptfeatures.ts";
import type { Lent } from "./lent.ts";
import { reportScreen } from "./report.ts";
import { Shelf } from "./shelf.ts";
import { training } from "./training.ts";

const STEPS: [Step, string][] = [["folder", "Folder"], ["labels", "Labels"], ["audit", "Audit"], ["train", "Training"], ["report", "Report"]];

export class TrainView {
  readonly element: HTMLElement;
  readonly #stage = h("section", { class: "stage", "aria-label": "Training" });
  readonly #steps = h("ol", { class: "steps", "aria-label": "Steps" });
  readonly #shelf: Shelf;
  readonly #features = new KeptFeaturesLine(() => this.#screen?.needs?.() ?? []);
  #screen: Screen | null = null;
  #shown = false;

  constructor(lent: Lent) {
    const bench: Bench = {
      client: (signal) => lent.client(signal),
      headInUse: () => lent.headInUse(),
      useHead: (sha256) => lent.useHead(sha256),
      onHead: (listener) => lent.onHead(listener),
      go: (place) => this.#show(screenAt(bench, place), true),
      headsChanged: () => void this.#shelf.refresh(),
    };
    this.#shelf = new Shelf(bench);
    this.#shelf.element.append(this.#features.element);
    lent.onHead(() => {
      void this.#shelf.refresh();
      this.#screen?.headChanged?.();
    });
    this.element = h(
      "div",
      { class: "train" },
      h(
        "section",
        { class: "intro" },
        h("h1", {}, "Train on your own pictures"),
        h("p", { class: "promise" }, "Give it a folder of real and of generated pictures, and it learns to tell apart what you have to tell apart. ", h("strong", {}, "The pictures stay on this device.")),
      ),
      this.#steps,
      this.#stage,
      this.#shelf.element,
    );
    this.#show(intake(bench), false);
  }

  /** The view is on the page, or not. What it does goes on. */
  set shown(shown: boolean) {
    this.#shown = shown;
    if (shown) giveDropsTo(this.#screen?.drop ?? null);
  }

  #show(screen: Screen, focus: boolean): void {
    this.#screen?.leave?.();
    this.#screen = screen;
    this.#stage.replaceChildren(screen.element);
    this.element.dataset["step"] = screen.step;
    const at = STEPS.findIndex(([step]) => step === screen.step);
    this.#steps.replaceChildren(
      ...STEPS.map(([step, name], index) => h("li", { "data-state": index < at ? "done" : index === at ? "now" : "later", "aria-current": step === screen.step ? "step" : null }, name)),
    );
    if (this.#shown) giveDropsTo(screen.drop ?? null);
    void this.#features.refresh();
    if (!focus) return;
    screen.element.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
    this.#steps.scrollIntoView({ block: "start", behavior: "instant" });
  }
}

function screenAt(bench: Bench, place: Place): Screen {
  switch (place.at) {
    case "intake":
      return intake(bench);
    case "labels":
      return labels(bench, place.project);
    case "facts":
      return facts(bench, place.project);
    case "audit":
      return audit(bench, place.project);
    case "training":
      return training(bench, place.plan);
    case "report":
      return reportScreen(bench, place.head, place.project);
  }
}
