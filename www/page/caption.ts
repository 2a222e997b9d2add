/** Under a verdict: the words that a picture came with, for heads that read captions. */
import type { Verdict } from "../safelight.js";
import { h } from "./dom.ts";
import * as words from "./words.ts";

export class Caption {
  readonly #place: HTMLElement;
  readonly #field: HTMLTextAreaElement;
  readonly #note = h("p", { class: "fine" });
  /** What was proposed. */
  #found: string | null = null;

  /** `check` checks the picture again, with what the field holds: `null` for no caption. */
  constructor(place: HTMLElement, name: string, check: (caption: string | null) => void) {
    this.#place = place;
    this.#field = h("textarea", { rows: 2, maxlength: 2000, placeholder: "The words it was published with", "aria-label": `Caption of ${name}` });
    const again = h("button", { type: "button", class: "quiet", "aria-label": `Check ${name} with this caption` }, "Check with it");
    again.addEventListener("click", () => check(this.#field.value.trim() || null));
    place.replaceChildren(this.#note, h("div", { class: "caption-line" }, this.#field, again));
  }

  /** Proposes a caption that was found with the picture; the person decides whether it counts. */
  propose(caption: string): void {
    this.#found = caption;
    this.#field.value ||= caption;
  }

  /** Puts in what the person gave before. */
  fill(caption: string): void {
    this.#field.value = caption;
  }

  /** Shows under a verdict of a head that reads captions what the caption had to do with it; else hides. */
  show(use: Verdict["caption"] | null): void {
    this.#place.hidden = use === null || use === "unread";
    if (use !== null) this.#note.textContent = words.captionNote(use, this.#found !== null && this.#field.value === this.#found);
  }
}
