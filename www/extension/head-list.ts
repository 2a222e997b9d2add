/** The heads to choose from: the one that ships, and those that were imported. */
import { deleteHead, listHeads } from "../heads.ts";
import { byId, h } from "../page/dom.ts";
import * as words from "../page/words.ts";
import { asProblem, Problem } from "../protocol.ts";
import type { StoredHead } from "../protocol.ts";
import { reach } from "./link.ts";
import { asFailure } from "./messages.ts";
import type { FromRoom, ToRoom } from "./messages.ts";

export class HeadList {
  /** SHA-256 of the one in use; `null`: the one that ships. */
  #inUse: string | null = null;
  #listed = "";
  /** What the next outcome is about. */
  #asked: string | null = null;

  constructor() {
    const input = byId<HTMLInputElement>("head-file");
    byId("import").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      input.value = ""; // the same file can be chosen again
      if (file === undefined) return;
      this.#asked = file.name;
      say(`Reading ${file.name}`);
      this.#ask({ kind: "import-head", file });
    });
  }

  /** The heads that are kept, and the one in use, whoever chose it. */
  async show(inUse: string | null = this.#inUse): Promise<void> {
    this.#inUse = inUse;
    const heads = await listHeads();
    const list = heads.map(({ sha256 }) => sha256).join();
    if (list !== this.#listed || byId("heads").childElementCount < 2) {
      this.#listed = list;
      const rows = heads.map((head) => this.#row(head.sha256, head.name, `trained ${head.trained}`, head));
      const legend = h("legend", { class: "hidden" }, "Head in use");
      byId("heads").replaceChildren(legend, this.#row(null, "The head that ships with Safelight", "", null), ...rows);
    }
    // The rows stay, so that a keyboard's focus does too.
    for (const radio of byId("heads").querySelectorAll("input")) radio.checked = radio.value === (this.#inUse ?? "");
  }

  async hear({ head, outcome }: Extract<FromRoom, { kind: "head" }>): Promise<void> {
    if ("code" in outcome) say(`${this.#asked ?? "This head"} cannot be used. ${words.sentence(new Problem(outcome.code, outcome.message))}`, true);
    else if (this.#asked !== null) say(`In use: ${outcome.name}, trained ${outcome.trained}.`);
    this.#asked = null;
    await this.show(head);
  }

  /** A room that cannot be reached is an outcome too. */
  #ask(message: ToRoom): void {
    reach(message).catch((thrown: unknown) => this.hear({ kind: "head", head: this.#inUse, outcome: asFailure(asProblem(thrown, "room-closed")) }));
  }

  #row(sha256: string | null, name: string, detail: string, imported: StoredHead | null): HTMLElement {
    const radio = h("input", { type: "radio", name: "head", value: sha256 ?? "" });
    radio.addEventListener("change", () => {
      this.#asked = name;
      this.#ask({ kind: "use-head", head: sha256 });
    });
    const label = h("label", {}, radio, h("span", {}, name, detail !== "" && h("small", {}, detail)));
    const remove = (head: StoredHead): HTMLElement =>
      h("button", { type: "button", class: "quiet", "aria-label": `Remove ${name}`, click: () => void this.#remove(head) }, "Remove");
    return h("div", { class: "head" }, label, imported !== null && remove(imported));
  }

  async #remove({ sha256 }: StoredHead): Promise<void> {
    if (this.#inUse === sha256) await reach({ kind: "use-head", head: null });
    await deleteHead(sha256);
    await this.show(this.#inUse === sha256 ? null : this.#inUse);
  }
}

function say(sentence: string, failed = false): void {
  byId("head-outcome").textContent = sentence;
  byId("head-outcome").toggleAttribute("data-failed", failed);
}
