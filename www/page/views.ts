/** Which view is shown: `#check`, or `#train`, whose code and style are loaded when it is first asked for. */
import { announce, byId } from "./dom.ts";
import { giveDropsTo } from "./drops.ts";
import type { Taker } from "./drops.ts";
import type { Session } from "./session.ts";
import type { TrainView } from "./train/view.ts";

type Name = "check" | "train";

const TITLES: Record<Name, string> = {
  check: "Safelight: was this picture generated?",
  train: "Safelight: train on your own pictures",
};
const SKIPS: Record<Name, [target: string, words: string]> = {
  check: ["#pick", "Skip to choosing pictures"],
  train: ["#pick-folder", "Skip to choosing a folder"],
};

export class Views {
  readonly #session: Session;
  readonly #checkDrops: Taker;
  #train: Promise<TrainView> | null = null;

  constructor(session: Session, checkDrops: Taker) {
    this.#session = session;
    this.#checkDrops = checkDrops;
  }

  /** Shows what the address says, now and whenever it changes. */
  follow(): void {
    window.addEventListener("hashchange", () => this.#follow());
    this.#show(location.hash === "#train" ? "train" : "check");
  }

  #follow(): void {
    if (location.hash === "#train") this.#show("train");
    else if (location.hash === "#check" || location.hash === "") this.#show("check");
    // Any other fragment is a place within the view.
  }

  #show(name: Name): void {
    document.body.dataset["view"] = name;
    document.title = TITLES[name];
    for (const link of document.querySelectorAll<HTMLAnchorElement>(".views a")) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const skip = byId<HTMLAnchorElement>("skip");
    [skip.hash, skip.textContent] = SKIPS[name];
    giveDropsTo(name === "check" ? this.#checkDrops : null);
    if (name === "train") void this.#open();
    else void this.#train?.then((view) => (view.shown = false));
  }

  async #open(): Promise<void> {
    this.#train ??= this.#load();
    try {
      const view = await this.#train;
      view.shown = document.body.dataset["view"] === "train";
    } catch {
      this.#train = null;
      const said = "Training could not be loaded. Check the connection, then reload the page.";
      byId("train-view").textContent = said;
      announce(said);
    }
  }

  async #load(): Promise<TrainView> {
    const [{ TrainView }] = await Promise.all([import("./train/view.ts"), loadStyle("train.css")]);
    const view = new TrainView(this.#session);
    byId("train-view").replaceChildren(view.element);
    return view;
  }
}

function loadStyle(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = name;
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => reject(new Error(`${name} did not load`)));
    document.head.append(link);
  });
}
