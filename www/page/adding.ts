/** The dialogue that adds a CLIP model: from files, from this site, or from the Hugging Face hub. */
import { asProblem } from "../protocol.ts";
import { proposedName } from "../models/files.ts";
import type { ModelSource, StoredModel } from "../protocol.ts";
import { announce, h } from "./dom.ts";
import { keepStored } from "./offline.ts";
import type { Session } from "./session.ts";
import * as words from "./words.ts";

/** What is said aloud of the progress: each of these parts. */
const MILESTONES = 10;

/** Opens it. `added` hears of the model that was added, when the person wants to use it. */
export function addingDialog(session: Session, added: (model: StoredModel) => void): void {
  const files = h("input", { type: "file", id: "model-files", multiple: true, accept: ".safetensors,.json", hidden: true, "aria-label": "Files of the model" });
  const int8 = h("input", { type: "checkbox", id: "model-int8" });
  const half = h("label", { class: "check" }, int8, h("span", {}, "Half the size ", h("small", {}, "int8 in place of float16; its features differ slightly, so its heads are its own")));
  const hub = h("input", { type: "text", id: "model-hub", placeholder: "openai/clip-vit-large-patch14", autocomplete: "off", spellcheck: "false", "aria-label": "Name of the model on the hub" });
  const site = h("input", { type: "text", id: "model-site", placeholder: "/models/my-clip/", autocomplete: "off", spellcheck: "false", "aria-label": "Folder of this site" });
  const body = h("div", { class: "body" });
  const close = (): void => dialog.close();
  const dialog = h(
    "dialog",
    { class: "adding", "aria-labelledby": "adding-title" },
    h("h2", { id: "adding-title", tabindex: -1 }, "Add a model"),
    body,
  );
  dialog.addEventListener("close", () => dialog.remove());

  const choose = (problem: string | null): void => {
    const from = (source: ModelSource): void => run(source);
    body.replaceChildren(
      h("p", {}, "Any CLIP model in Hugging Face’s form: its config.json and its safetensors files. It is converted here and kept in this browser; it has no head until you train or import one."),
      ...(problem === null ? [] : [h("p", { class: "problem", role: "alert" }, problem)]),
      h(
        "section",
        { class: "part", "aria-label": "From files" },
        h("h3", {}, "From this device"),
        h("div", { class: "row" }, h("button", { type: "button", class: "primary small", id: "choose-model-files", click: () => files.click() }, "Choose its files")),
        h("p", { class: "fine" }, "config.json and model.safetensors, or all parts and their index.json; tokenizer.json too, where there is one"),
        files,
      ),
      h(
        "form",
        { class: "part", submit: (event) => { event.preventDefault(); from({ kind: "hub", id: hub.value.trim(), revision: "main" }); } },
        h("h3", {}, "From the Hugging Face hub"),
        h("div", { class: "row" }, hub, h("button", { type: "submit", id: "fetch-model" }, "Fetch it")),
        h("p", { class: "fine" }, "Your browser then asks huggingface.co for these files. The hub learns your address and the model’s name; no picture goes anywhere."),
      ),
      h(
        "form",
        { class: "part", submit: (event) => { event.preventDefault(); from({ kind: "site", folder: site.value.trim() }); } },
        h("h3", {}, "From this site"),
        h("div", { class: "row" }, site, h("button", { type: "submit" }, "Fetch it")),
      ),
      h(
        "section",
        { class: "part", "aria-label": "Size" },
        half,
        h("div", { class: "row" }, h("button", { type: "button", click: close }, "Cancel")),
      ),
    );
    if (problem !== null) dialog.querySelector<HTMLElement>("h2")?.focus(); // what had the focus is gone
  };

  /** Files say little of what they are: the person may say more before they are read. */
  const name = async (chosen: File[]): Promise<void> => {
    const title = h("input", { type: "text", id: "model-name", value: await proposedName(chosen), required: true, maxlength: 80, autocomplete: "off", spellcheck: "false" });
    body.replaceChildren(
      h(
        "form",
        { submit: (event) => { event.preventDefault(); run({ kind: "files", files: chosen }, title.value.trim() || null); } },
        h("p", { class: "fine" }, chosen.map((file) => file.name).join(", ")),
        h("label", { for: "model-name" }, "What it is called here"),
        h("div", { class: "row" }, title),
        half,
        h("div", { class: "row" }, h("button", { type: "submit", class: "primary small", id: "add-files" }, "Add it"), h("button", { type: "button", class: "quiet", click: () => choose(null) }, "Back")),
      ),
    );
    title.select();
  };

  const run = (source: ModelSource, name: string | null = null): void => {
    const abort = new AbortController();
    const line = h("p", { id: "adding-line" }, "Looking at the model");
    const bar = h("progress", { "aria-label": "Model added", id: "adding-progress" });
    const cancel = h("button", { type: "button", id: "cancel-adding", click: () => abort.abort() }, "Cancel");
    body.replaceChildren(line, bar, h("div", { class: "row" }, cancel));
    cancel.focus();
    dialog.addEventListener("close", () => abort.abort(), { once: true });
    let told = 0;
    const work = async (): Promise<StoredModel> => {
      const client = await session.client(abort.signal);
      return client.models("addModel", { source, int8: int8.checked, name }, {
        signal: abort.signal,
        onProgress: (progress) => {
          if (progress.stage === "wait") line.textContent = "Another tab is adding this model; this one waits for it";
          if (progress.stage !== "convert") return;
          bar.max = progress.total;
          bar.value = progress.done;
          line.textContent = words.loading(progress);
          const milestone = Math.floor((MILESTONES * progress.done) / progress.total);
          if (milestone > told) announce(line.textContent);
          told = Math.max(told, milestone);
        },
      });
    };
    void keepStored().catch(() => undefined);
    work().then(done, (thrown: unknown) => {
      const problem = asProblem(thrown, "model-failed");
      const said = problem.code === "cancelled" ? "Stopped. What has arrived is kept: the same model goes on from there." : words.sentence(problem);
      if (dialog.open) choose(said);
    });
  };

  const done = (model: StoredModel): void => {
    announce(`${model.name} is added`);
    const use = h("button", { type: "button", class: "primary small", id: "use-model", click: () => { close(); added(model); } }, "Use it now");
    body.replaceChildren(
      h("p", { id: "adding-line" }, `“${model.name}” is in this browser, with ${words.megabytes(model.bytes)}.`),
      h("p", { class: "fine" }, words.provenance(model)),
      h("p", {}, "It has no head yet, so it gives no verdicts: train one on your own pictures, or import one that was trained for it."),
      h("div", { class: "row" }, use, h("button", { type: "button", class: "quiet", click: close }, "Later")),
    );
    use.focus();
  };

  files.addEventListener("change", () => {
    const chosen = [...(files.files ?? [])];
    files.value = ""; // so that the same files can be chosen again
    if (chosen.length > 0) void name(chosen);
  });
  choose(null);
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector<HTMLElement>("h2")?.focus();
}
