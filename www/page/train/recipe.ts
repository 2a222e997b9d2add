/** How to train: a name, where to start from, and for those who want it, the parts of the recipe. */
import type { Presets, TrainInput } from "../../protocol.ts";
import type { LossConfig, TrainConfig } from "../../safelight-training.js";
import { h } from "../dom.ts";

/** Below this many pictures, starting from the head in use is proposed. */
const ENOUGH_FOR_SCRATCH = 1_000;

interface Choice extends Pick<TrainInput, "preset" | "config" | "captions" | "fineTune" | "naming"> {
  /** Whether altered copies are learnt from as well. */
  altered: boolean;
}

/** What the choices depend on. */
export interface Captions {
  /** The folder has some, and the model can read them. */
  offered: boolean;
  /** Why they had better not be read. */
  against: string | null;
  /** The head in use reads captions. */
  inUse: boolean;
  /** There is no head in use: the model has none yet. */
  blank: boolean;
}

export function recipe(folder: string, pictures: number, captions: Captions, presets: Presets): { element: HTMLElement; read: () => Choice } {
  const name = h("input", { type: "text", id: "head-name", value: folder || "My pictures", maxlength: 80, autocomplete: "off" });
  const fine = h("input", { type: "radio", name: "start", value: "fine-tune", checked: !captions.blank && pictures < ENOUGH_FOR_SCRATCH, disabled: captions.blank });
  const scratch = h("input", { type: "radio", name: "start", value: "default", checked: captions.blank || pictures >= ENOUGH_FOR_SCRATCH });
  const reads = h("input", { type: "checkbox", role: "switch", id: "read-captions", checked: captions.offered && captions.against === null, "aria-describedby": "read-captions-note" });
  const mismatch = h("p", { class: "fine", hidden: true });
  /** A head goes on with the features that it began with. */
  const agree = (): void => {
    const other = reads.checked !== captions.inUse;
    fine.disabled = other || captions.blank;
    if (other) scratch.checked = true;
    mismatch.hidden = !other || captions.blank;
    mismatch.textContent = `The head in use reads ${captions.inUse ? "captions" : "no captions"}, so this one starts from nothing.`;
  };
  reads.addEventListener("change", agree);
  const epochs = h("input", { type: "number", min: 1, max: 500, step: 1 });
  const seed = h("input", { type: "number", min: 0, step: 1 });
  const chosen = (): keyof Presets => (fine.checked ? "fine-tune" : "default");
  /** What is left empty is the preset's. */
  const propose = (): void => {
    const preset = presets[chosen()];
    epochs.placeholder = String(preset.epochs);
    seed.placeholder = String(preset.seed);
  };
  const cvar = h("input", { type: "checkbox", checked: true });
  const auc = h("input", { type: "checkbox", checked: true });
  const sam = h("input", { type: "checkbox", checked: true });
  const best = h("input", { type: "checkbox", checked: true });
  const altered = h("input", { type: "checkbox" });
  const element = h(
    "div",
    { class: "recipe", change: propose },
    h("div", { class: "field" }, h("label", { for: name.id }, "Name"), name),
    captions.offered &&
      h(
        "label",
        { class: "switch" },
        reads,
        h(
          "span",
          {},
          h("strong", {}, "Read the captions too"),
          h("small", { id: "read-captions-note" }, captions.against ?? "The head weighs picture and words together. Half of the captions are left out at random, so that it also does without."),
        ),
      ),
    h(
      "fieldset",
      { class: "field" },
      h("legend", {}, "Start from"),
      h("label", {}, fine, h("span", {}, "The head in use ", h("small", {}, "keeps what it knows; for small sets and special problems"))),
      h("label", {}, scratch, h("span", {}, "Nothing ", h("small", {}, "a head of your pictures only; from about a thousand"))),
      mismatch,
    ),
    h(
      "details",
      { class: "numbers" },
      h("summary", {}, "The recipe"),
      h(
        "div",
        { class: "parts" },
        part(epochs, "Epochs", "how often every picture is seen"),
        part(seed, "Seed", "the same seed gives the same head"),
      ),
      h(
        "div",
        { class: "ticks" },
        tick(cvar, "CVaR", "learns most from the hardest pictures"),
        tick(auc, "AUC loss", "orders pairs, whatever the balance"),
        tick(sam, "SAM", "prefers solutions that bear small changes"),
        tick(best, "Best epoch", "ends where pictures held back were told apart best, if that is clearly before the last epoch"),
        tick(altered, "Altered copies", "learns from two random crops of every picture as well, reduced and recompressed; not when classes are equalised. Takes two thirds longer"),
      ),
    ),
  );
  agree();
  propose();
  const read = (): Choice => {
    const config: Partial<Omit<TrainConfig, "loss">> & { loss?: Partial<LossConfig> } = {};
    if (epochs.valueAsNumber >= 1) config.epochs = Math.floor(epochs.valueAsNumber);
    if (seed.valueAsNumber >= 0) config.seed = Math.floor(seed.valueAsNumber);
    if (!sam.checked) config.samRho = 0;
    if (!best.checked) config.keepBest = false;
    if (!cvar.checked || !auc.checked) config.loss = { ...(cvar.checked ? {} : { cvarAlpha: null }), ...(auc.checked ? {} : { aucWeight: 0 }) };
    const date = new Date().toISOString().slice(0, 10);
    const title = name.value.trim() || "My pictures";
    return { preset: chosen(), config, captions: reads.checked, fineTune: fine.checked, altered: altered.checked, naming: { id: idOf(title, date), name: title, date } };
  };
  return { element, read };
}

function part(input: HTMLInputElement, label: string, note: string): HTMLElement {
  return h("label", { class: "field" }, h("span", {}, `${label} `, h("small", {}, note)), input);
}

function tick(input: HTMLInputElement, label: string, note: string): HTMLElement {
  return h("label", { class: "check" }, input, h("span", {}, `${label} `, h("small", {}, note)));
}

/** `My pictures`, 2026-11-24 → `my-pictures-2026-11-24` */
function idOf(name: string, date: string): string {
  const plain = name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return `${plain || "head"}-${date}`;
}
