/** Under a verdict: the words that a picture came with, for heads that read captions. */
import type { Verdict } from "../safelight.js";
import { h } from "./dom.ts";
import * as words from "./words.ts";

export class Caption {
  readonly #place: HTMLElement;
  readonly #field = h("textarea", { rows: 2, maxlength: 2000, placeholder: "The words it was published with" });
  readonly #again = h("button", { type: "button", class: "quiet" }, "Check with it");
  readonly #note = h("p", { class: "fine" });
  /** What was proposed. */
  #found: string | null = null;
  /** What the field held when it was last filled, or sent: other words are being typed. */
  #known = "";
  /** The person has said what counts. */
  #decided = false;

  /** `check` checks the picture again, with what the field holds: `null` for no caption. */
  constructor(place: HTMLElement, check: (caption: string | null) => void) {
    this.#place = place;
    this.#again.addEventListener("click", () => {
      this.#decided = true;
      this.#known = this.#field.value;
      check(this.#field.value.trim() || null);
    });
    place.replaceChildren(this.#note, h("div", { class: "caption-line" }, this.#field, this.#again));
  }

  /** What the picture is called. */
  name(name: string): void {
    this.#field.setAttribute("aria-label", `Caption of ${name}`);
    this.#again.setAttribute("aria-label", `Check ${name} with this caption`);
  }

  /** Proposes a caption that was found with the picture, until the person decides what counts. */
  propose(caption: string): void {
    if (this.#decided || this.#found === caption) return; // else a field that was emptied would be filled again
    this.#found = caption;
    this.#put(caption);
  }

  /** Puts in what the person gave, before or in another panel. */
  fill(caption: string): void {
    this.#decided = true;
    this.#put(caption);
  }

  /** Shows under a verdict of a head that reads captions what the caption had to do with it; else hides. */
  show(use: Verdict["caption"] | null): void {
    this.#place.hidden = use === null || use === "unread";
    if (use !== null) this.#note.textContent = words.captionNote(use, this.#found !== null && this.#field.value === this.#found);
  }

  /** What is being typed stays. */
  #put(caption: string): void {
    if (this.#field.value !== this.#known) return;
    this.#field.value = caption;
    this.#known = this.#field.value;
  }
}
