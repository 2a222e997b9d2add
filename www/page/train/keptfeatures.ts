/** Below the heads: what was computed of pictures and is kept, and its deletion. */
import { deleteFeatures, keptFeatures } from "../../keptfeatures.ts";
import type { KeptFeatures } from "../../keptfeatures.ts";
import { asProblem } from "../../protocol.ts";
import { announce, h } from "../dom.ts";
import * as words from "./words.ts";

export class KeptFeaturesLine {
  readonly element = h("div", { class: "kept-features", hidden: true });
  readonly #needed: () => Iterable<string>;
  /** What is offered, in words: a button that stays the same stays, with its focus. */
  #offered = "";

  /** `needed`: SHA-256 of the pictures that the screen of the moment works with. */
  constructor(needed: () => Iterable<string>) {
    this.#needed = needed;
  }

  async refresh(): Promise<void> {
    const kept = await keptFeatures(this.#needed()).catch(() => null); // without storage nothing is kept
    this.element.hidden = kept === null || kept.pictures === 0;
    if (kept !== null && words.keptFeatures(kept) !== this.#offered) this.#offer(kept);
  }

  #offer(kept: KeptFeatures): void {
    this.#offered = words.keptFeatures(kept);
    const offer = h("button", { type: "button", class: "quiet", id: "delete-features", click: () => this.#confirm(kept) }, `Delete kept features (${this.#offered})`);
    this.element.replaceChildren(
      h("p", { class: "fine" }, "What was computed of pictures is kept, so that training on them again begins at once."),
      offer,
    );
  }

  #confirm(kept: KeptFeatures): void {
    const back = (): void => {
      this.#offer(kept);
      this.element.querySelector("button")?.focus();
    };
    const remove = async (): Promise<void> => {
      await deleteFeatures(this.#needed());
      announce("The kept features are deleted");
      this.#offered = "";
      await this.refresh();
    };
    const wrong = h("p", { class: "problem", role: "alert", hidden: true });
    const guarded = (): void =>
      void remove().catch((thrown: unknown) => {
        wrong.textContent = words.sentence(asProblem(thrown, "storage-none"));
        wrong.hidden = false;
      });
    const no = h("button", { type: "button", class: "quiet", click: back }, "Keep them");
    this.element.replaceChildren(
      h("p", {}, `Delete the features of ${words.plural(kept.pictures, "picture")}? What your corrected verdicts, an unfinished training and the open folder need stays, and so do your heads.`),
      h("div", { class: "actions", role: "group", "aria-label": "Delete kept features?" }, h("button", { type: "button", class: "danger", click: guarded }, "Delete"), no),
      wrong,
    );
    no.focus();
  }
}
