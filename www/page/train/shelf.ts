/** The heads that this browser keeps: a list to use, compare, import and export from. */
import { listHeads } from "../../heads.ts";
import { asProblem } from "../../protocol.ts";
import type { StoredHead } from "../../protocol.ts";
import { announce, h } from "../dom.ts";
import type { Bench } from "./bench.ts";
import { comparison } from "./compare.ts";
import { headActions } from "./headactions.ts";
import { importHead } from "./importing.ts";
import * as words from "./words.ts";

export class Shelf {
  readonly element: HTMLElement;
  readonly #bench: Bench;
  readonly #list = h("ul", { class: "heads" });
  readonly #status = h("p", { class: "fine", role: "status" });
  readonly #comparison = h("div");
  readonly #chosen = new Set<string>();
  readonly #file = h("input", { type: "file", id: "head-file", accept: ".safetensors", hidden: true, "aria-label": "Head file" });

  constructor(bench: Bench) {
    this.#bench = bench;
    const open = h("button", { type: "button", id: "import-head", click: () => this.#file.click() }, "Import a head");
    this.#file.addEventListener("change", () => {
      const [file] = this.#file.files ?? [];
      this.#file.value = "";
      if (file !== undefined) void this.#import(file);
    });
    this.element = h(
      "section",
      { class: "shelf", "aria-labelledby": "shelf-title" },
      h("div", { class: "shelf-head" }, h("h2", { id: "shelf-title", tabindex: -1 }, "Your heads"), open),
      this.#file,
      this.#status,
      this.#list,
      this.#comparison,
    );
    void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      const heads = await listHeads();
      const sha256s = new Set(heads.map(({ sha256 }) => sha256));
      for (const chosen of this.#chosen) if (!sha256s.has(chosen)) this.#chosen.delete(chosen);
      this.#list.replaceChildren(...heads.map((head) => this.#item(head, heads)));
      if (heads.length === 0) this.#status.textContent = "None yet. A trained head is kept here, in this browser, until you delete it.";
      else if (this.#status.textContent?.startsWith("None")) this.#status.textContent = "";
      this.#compare(heads);
    } catch (thrown) {
      this.#status.textContent = words.sentence(asProblem(thrown, "storage-none"));
    }
  }

  #item(head: StoredHead, heads: readonly StoredHead[]): HTMLElement {
    const inUse = this.#bench.headInUse() === head.sha256;
    const auc = head.report?.tiers[0]?.auc ?? null;
    const facts = [
      `trained ${head.trained}`,
      head.report === null ? "no report" : words.plural(head.report.pictures, "picture"),
      auc === null ? (head.report === null ? null : "too few pictures for figures") : `AUC ${words.estimate(auc)}`,
      words.kilobytes(head.bytes),
    ];
    const box = h("input", { type: "checkbox", checked: this.#chosen.has(head.sha256) });
    box.addEventListener("change", () => {
      if (box.checked) this.#chosen.add(head.sha256);
      else this.#chosen.delete(head.sha256);
      this.#compare(heads);
    });
    return h(
      "li",
      { class: "head", "data-in-use": inUse, "data-sha256": head.sha256 },
      h(
        "div",
        { class: "head-words" },
        h("h3", {}, head.name, inUse && h("span", { class: "badge" }, "in use")),
        h("p", { class: "fine" }, facts.filter((fact) => fact !== null).join(" · ")),
      ),
      h(
        "div",
        { class: "head-tools" },
        headActions(this.#bench, head, { renamed: () => undefined, deleted: () => this.element.querySelector<HTMLElement>("h2")?.focus() }),
        h("button", { type: "button", class: "quiet open-report", click: () => this.#bench.go({ at: "report", head, project: null }), "aria-label": `Report of ${head.name}` }, "Report"),
        heads.length > 1 && head.report !== null && h("label", { class: "check compare" }, box, h("span", {}, "Compare", h("span", { class: "hidden" }, ` ${head.name}`))),
      ),
    );
  }

  #compare(heads: readonly StoredHead[]): void {
    const chosen = heads.filter(({ sha256 }) => this.#chosen.has(sha256));
    if (chosen.length === 1) this.#comparison.replaceChildren(h("p", { class: "fine" }, "Tick a second head to compare the two."));
    else this.#comparison.replaceChildren(...(chosen.length === 2 ? [comparison(chosen[0] as StoredHead, chosen[1] as StoredHead)] : chosen.length > 2 ? [h("p", { class: "fine" }, "Two at a time: take a tick away.")] : []));
  }

  async #import(file: File): Promise<void> {
    this.#status.textContent = `Reading ${file.name}`;
    try {
      const head = await importHead(this.#bench, file);
      this.#status.textContent = `“${head.name}” is imported. Use it below.`;
      announce(this.#status.textContent);
      await this.refresh();
    } catch (thrown) {
      this.#status.textContent = `${file.name}: ${words.sentence(asProblem(thrown, "head-format"))}`;
    }
  }
}
