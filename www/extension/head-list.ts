/** The heads to choose from: the one that ships, and those imported. One that the detector refuses is not kept. */
import { byId } from "../page/dom.ts";
import * as words from "../page/words.ts";
import { Problem } from "../protocol.ts";
import type { Opened } from "../protocol.ts";
import { asHead, forgetHead, keepHead, listHeads } from "./heads.ts";
import type { ImportedHead } from "./heads.ts";
import { chooseHead, chosenHead } from "./settings.ts";

export class HeadList {
  readonly #reopen: () => Promise<Opened | Problem>;

  /** `reopen` opens the detector with the head that is chosen, and tells how that went. */
  constructor(reopen: () => Promise<Opened | Problem>) {
    this.#reopen = reopen;
    const input = byId<HTMLInputElement>("head-file");
    byId("import").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      if (file !== undefined) void this.#import(file);
      input.value = ""; // the same file can be chosen again
    });
  }

  async show(): Promise<void> {
    const imported = await listHeads();
    byId("heads").replaceChildren(
      document.createElement("legend"),
      this.#row(null, "The head that ships with Safelight", "", null),
      ...imported.map((head) => this.#row(head.id, head.name, `trained ${head.trained ?? "on an unknown day"}`, head)),
    );
    const legend = byId("heads").querySelector("legend");
    legend?.classList.add("hidden");
    if (legend) legend.textContent = "Head in use";
  }

  #row(id: string | null, name: string, detail: string, imported: ImportedHead | null): HTMLElement {
    const row = document.createElement("div");
    row.className = "head";
    const label = document.createElement("label");
    const radio = document.createElement("input");
    radio.type = "radio";
    radio.name = "head";
    radio.checked = id === chosenHead();
    radio.addEventListener("change", () => void this.#choose(id, name));
    const text = document.createElement("span");
    const small = document.createElement("small");
    small.textContent = detail;
    text.append(name, ...(detail === "" ? [] : [small]));
    label.append(radio, text);
    row.append(label);
    if (imported !== null) {
      const remove = document.createElement("button");
      remove.className = "quiet";
      remove.textContent = "Remove";
      remove.setAttribute("aria-label", `Remove ${name}`);
      remove.addEventListener("click", () => void this.#remove(imported));
      row.append(remove);
    }
    return row;
  }

  async #import(file: File): Promise<void> {
    const head = await asHead(file);
    if (head === null) return say(`${file.name} is empty or too long to be a head.`, true);
    await keepHead(head);
    const outcome = await this.#choose(head.id, file.name);
    if (outcome instanceof Problem) await forgetHead(head.id);
    else await keepHead({ ...head, name: outcome.info.head.name, trained: outcome.info.head.trained });
    await this.show();
  }

  async #remove({ id }: ImportedHead): Promise<void> {
    await forgetHead(id);
    if (chosenHead() === id) await this.#choose(null, "The head that ships");
    await this.show();
  }

  /** Uses that head; when the detector refuses it, the one before again. */
  async #choose(id: string | null, name: string): Promise<Opened | Problem> {
    const before = chosenHead();
    chooseHead(id);
    say(`Opening ${name}`, false);
    const outcome = await this.#reopen();
    if (outcome instanceof Problem) {
      chooseHead(before);
      await this.#reopen();
      say(`${name} cannot be used. ${words.sentence(outcome)}`, true);
    } else say(`In use: ${outcome.info.head.name}, trained ${outcome.info.head.trained}.`, false);
    await this.show();
    return outcome;
  }
}

function say(sentence: string, failed: boolean): void {
  byId("head-outcome").textContent = sentence;
  byId("head-outcome").toggleAttribute("data-failed", failed);
}
