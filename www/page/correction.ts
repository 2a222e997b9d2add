/** Under a verdict: the person knows better, and the next training may learn from it. */
import { asProblem } from "../protocol.ts";
import type { Verdict } from "../safelight.js";
import { announce, h } from "./dom.ts";
import type { Lent } from "./train/lent.ts";
import * as words from "./words.ts";

export class Correction {
  readonly #place: HTMLElement;
  readonly #file: File;
  readonly #lent: Lent;
  readonly #caption: () => string | null;
  #label: Verdict["label"] | null = null;
  #abort: AbortController | null = null;

  /** `caption`: what the verdict was given with. */
  constructor(place: HTMLElement, file: File, caption: () => string | null, lent: Lent) {
    this.#place = place;
    this.#caption = caption;
    this.#file = file;
    this.#lent = lent;
  }

  /** Offers the answers that the verdict is not; hides without one. */
  show(label: Verdict["label"] | null): void {
    this.#place.hidden = label === null;
    if (label === null) this.cancel();
    if (label === this.#label) return;
    this.#label = label;
    this.#ask();
  }

  cancel(): void {
    this.#abort?.abort();
  }

  #ask(focus = false): void {
    const answer = (generated: boolean, words: string): HTMLElement =>
      h("button", { type: "button", class: "quiet", click: () => void this.#keep(generated), "aria-label": `${this.#file.name}: ${words}` }, words);
    this.#place.replaceChildren(
      h("span", {}, "You know better?"),
      ...(this.#label === "real" ? [] : [answer(false, "This one is real")]),
      ...(this.#label === "generated" ? [] : [answer(true, "This one is generated")]),
    );
    if (focus) this.#place.querySelector("button")?.focus();
  }

  async #keep(generated: boolean): Promise<void> {
    const abort = (this.#abort = new AbortController());
    const stop = h("button", { type: "button", class: "quiet", click: () => abort.abort(), "aria-label": `Cancel the correction of ${this.#file.name}` }, "Cancel");
    this.#place.replaceChildren(h("span", {}, "Computing what a training needs of it"), stop);
    stop.focus();
    try {
      const { correct, withdraw } = await import("./train/corrections.ts");
      await correct(this.#lent, { file: this.#file, caption: this.#caption(), generated }, abort.signal);
      const undo = h("button", { type: "button", class: "quiet", "aria-label": `Forget the correction of ${this.#file.name}` }, "Forget it");
      undo.addEventListener("click", () => void withdraw(this.#file).then(() => this.#ask(true)));
      const said = `Noted as ${generated ? "generated" : "real"} for your next training. The picture itself is not kept.`;
      this.#place.replaceChildren(h("span", {}, said), undo);
      announce(`${this.#file.name}: ${said}`);
      undo.focus();
    } catch (thrown) {
      const problem = asProblem(thrown, "worker-crashed");
      this.#ask(true);
      if (problem.code !== "cancelled") this.#place.prepend(h("span", { class: "problem" }, words.sentence(problem)));
    }
  }
}
