/** The choice of the model: the site's own, and those that were added to this browser. */
import { asProblem } from "../protocol.ts";
import type { StoredModel } from "../protocol.ts";
import { addingDialog } from "./adding.ts";
import { announce, byId, h } from "./dom.ts";
import type { Session } from "./session.ts";
import * as words from "./words.ts";

/** Fills the panel of the device when it is opened. */
export function offerModels(session: Session): void {
  const panel = byId<HTMLDetailsElement>("device");
  const place = byId("models");
  const show = async (): Promise<void> => {
    const client = await session.client();
    const { models, unfinished } = await client.models("listModels", {});
    const inUse = session.modelInUse();
    place.replaceChildren(
      h(
        "fieldset",
        {},
        h("legend", {}, "Model"),
        h(
          "ul",
          {},
          choice("The one that comes with this page", "tested, with its own head", inUse === null, () => use(null)),
          ...models.map((model) => choice(model.name, described(model), inUse === model.sha256, () => use(model.sha256), remover(model))),
        ),
      ),
      ...(unfinished > 0 ? [leftover(unfinished)] : []),
      h("button", { type: "button", id: "add-model", click: () => add() }, "Add a model"),
    );
  };
  const refresh = (): void => {
    void show().catch((thrown: unknown) => place.replaceChildren(h("p", { class: "fine" }, words.sentence(asProblem(thrown, "storage-none")))));
  };
  const use = (sha256: string | null): void => {
    void session.useModel(sha256).then(refresh, refresh);
  };
  const add = (): void => {
    panel.open = false;
    addingDialog(session, (model) => use(model.sha256));
  };
  const drop = async (sha256: string | null, said: string): Promise<void> => {
    if (sha256 !== null && session.modelInUse() === sha256) await session.useModel(null);
    await (await session.client()).models("dropModel", { sha256 });
    announce(said);
    await show();
  };
  const remover = (model: StoredModel): HTMLElement => {
    const button = h("button", { type: "button", class: "quiet", "aria-label": `Delete ${model.name}` }, "Delete");
    button.addEventListener("click", () => {
      // Asked for once more, in the same place.
      if (button.textContent === "Delete") {
        button.textContent = "Delete for good?";
        button.setAttribute("aria-label", `Delete ${model.name} for good?`);
      } else void drop(model.sha256, `${model.name} is deleted`).catch(refresh);
    });
    return button;
  };
  const leftover = (bytes: number): HTMLElement =>
    h(
      "div",
      { class: "leftover" },
      h("p", { class: "fine" }, `A model that is not finished takes ${words.megabytes(bytes)}. Add it again, and it goes on.`),
      h("button", { type: "button", class: "quiet", id: "drop-unfinished", click: () => void drop(null, "What was unfinished is deleted").catch(refresh) }, "Throw it away"),
    );
  panel.addEventListener("toggle", () => {
    if (panel.open) refresh();
    else place.replaceChildren(); // another time the list may be another
  });
}

function choice(name: string, note: string, checked: boolean, chosen: () => void, tool: HTMLElement | false = false): HTMLElement {
  const radio = h("input", { type: "radio", name: "model", checked });
  radio.addEventListener("change", chosen);
  return h("li", {}, h("label", {}, radio, " ", h("span", {}, `${name} `, h("small", {}, note))), tool);
}

function described({ bytes, int8, added }: StoredModel): string {
  return `${words.megabytes(bytes)}, ${int8 ? "int8" : "float16"}, added ${added.slice(0, 10)}`;
}
