/** One picture on the page: its thumbnail, its state and its verdict. */
import type { CheckState } from "../line.ts";
import type { Caption } from "./caption.ts";
import type { Correction } from "./correction.ts";
import { byId, within } from "./dom.ts";
import { drawScale } from "./scale.ts";
import * as words from "./words.ts";

export interface CardActions {
  /** What stands under a verdict for those who know better. */
  correction?(place: HTMLElement): Correction;
  /** What stands there for heads that read captions. */
  caption?(place: HTMLElement): Caption;
  cancel(): void;
  again(): void;
  remove(): void;
}

/** What a card says of a picture besides its state. */
export type Pictured = Pick<File, "name" | "size">;

export class Card {
  readonly element: HTMLLIElement;
  #file: Pictured;
  #url: string;
  readonly #correction: Correction | undefined;
  readonly #caption: Caption | undefined;

  /** `url` is the thumbnail's address; one of `URL.createObjectURL` is revoked with the card. */
  constructor(file: Pictured, url: string, actions: CardActions) {
    this.#file = file;
    this.#url = url;
    const template = byId<HTMLElement>("card") as unknown as HTMLTemplateElement;
    const root = template.content.cloneNode(true) as DocumentFragment;
    this.element = within<HTMLLIElement>(root, "li");
    this.#part("img").addEventListener("error", () => this.#part(".thumb").setAttribute("data-blank", ""));
    this.#correction = actions.correction?.(this.#part(".correction"));
    this.#caption = actions.caption?.(this.#part(".caption"));
    for (const act of ["cancel", "again", "remove"] as const) this.#part(`.${act}`).addEventListener("click", () => actions[act]());
    this.picture(file, url);
  }

  /** What is known of the picture, in place of what was; `show` follows. What the person typed and where they are stays. */
  picture(file: Pictured, url: string): void {
    if (url !== this.#url) URL.revokeObjectURL(this.#url);
    this.#file = file;
    this.#url = url;
    delete this.#part(".thumb").dataset["blank"];
    this.#part<HTMLImageElement>("img").src = url;
    this.#part("h3").textContent = file.name;
    this.#part("h3").title = file.name;
    this.#part(".meta").textContent = words.meta(file.size, null);
    this.#caption?.name(file.name);
    for (const [selector, verb] of [
      [".cancel", "Cancel checking"],
      [".again", "Check again:"],
      [".remove", "Remove"],
    ] as const) {
      this.#part(selector).setAttribute("aria-label", `${verb} ${file.name}`);
    }
  }

  show(state: CheckState): void {
    const running = state.name === "reading" || state.name === "checking";
    const ended = state.name === "done" || state.name === "failed";
    const hadFocus = this.element.contains(document.activeElement) ? document.activeElement : null;
    this.element.dataset["state"] = state.name;
    this.element.setAttribute("aria-busy", String(running));
    this.#part(".work").hidden = !running;
    this.#part(".scale").hidden = state.name !== "done";
    this.#correction?.show(state.name === "done" ? state.verdict.label : null);
    this.#caption?.show(state.name === "done" ? state.verdict.caption : null);
    this.#part(".cancel").hidden = ended;
    this.#part(".again").hidden = !ended;
    delete this.element.dataset["label"];
    this.#fill(state);
    // A button that disappears hands its focus to the one that takes its place.
    if (hadFocus instanceof HTMLElement && hadFocus.hidden) this.#part(ended ? ".again" : ".cancel").focus();
  }

  focus(): void {
    this.#part("h3").focus();
  }

  /** Takes the card off the page and frees the thumbnail. */
  remove(): void {
    this.#correction?.cancel();
    this.element.remove();
    URL.revokeObjectURL(this.#url);
  }

  #fill(state: CheckState): void {
    const work = this.#part<HTMLProgressElement>(".work");
    let verdict = "";
    let worth = "";
    let facts = "";
    switch (state.name) {
      case "waiting":
        verdict = state.modelReady ? "Waiting" : "Waiting for the detector";
        break;
      case "reading":
        verdict = "Reading the picture";
        work.removeAttribute("value");
        break;
      case "checking":
        verdict = words.checking(state.progress);
        work.max = state.progress.total;
        work.value = state.progress.done;
        break;
      case "done":
        verdict = words.VERDICT[state.verdict.label];
        this.element.dataset["label"] = state.verdict.label;
        drawScale(this.#part(".scale"), state.verdict);
        worth = state.figures === null ? "" : words.worth(state.verdict, state.figures);
        facts = [words.facts(state.verdict), state.notice?.message].filter(Boolean).join(". ");
        this.#part(".meta").textContent = words.meta(this.#file.size, state.verdict.picture);
        break;
      case "failed":
        verdict = state.problem.code === "cancelled" ? "Stopped" : "Not checked";
        worth = state.problem.code === "cancelled" ? "" : words.sentence(state.problem);
        this.element.dataset["code"] = state.problem.code;
        break;
    }
    if (state.name !== "failed") delete this.element.dataset["code"];
    work.setAttribute("aria-label", `Checking ${this.#file.name}`);
    this.#part(".verdict").textContent = verdict;
    this.#part(".worth").textContent = worth;
    this.#part(".facts").textContent = facts;
  }

  #part<T extends HTMLElement = HTMLElement>(selector: string): T {
    return within<T>(this.element, selector);
  }
}
