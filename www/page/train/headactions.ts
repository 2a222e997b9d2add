/** What can be done with a head: use it, rename it, export it, delete it. */
import { deleteHead, exportHead, renameHead } from "../../heads.ts";
import { asProblem } from "../../protocol.ts";
import type { StoredHead } from "../../protocol.ts";
import { announce, h } from "../dom.ts";
import type { Bench } from "./bench.ts";
import * as words from "./words.ts";

export interface HeadActions {
  /** With the first action as the page's main one. */
  big?: boolean;
  renamed: (name: string) => void;
  deleted?: () => void;
}

export function headActions(bench: Bench, head: StoredHead, { big = false, renamed, deleted }: HeadActions): HTMLElement {
  const inUse = bench.headInUse() === head.sha256;
  const wrong = h("p", { class: "problem", role: "alert", hidden: true });
  const guarded = (act: () => Promise<void>) => (): void => {
    wrong.hidden = true;
    void act().catch((thrown: unknown) => {
      wrong.textContent = words.sentence(asProblem(thrown, "storage-none"));
      wrong.hidden = false;
    });
  };
  const use = async (): Promise<void> => {
    await bench.useHead(inUse ? null : head.sha256);
    announce(inUse ? "The default head is in use again" : `“${head.name}” is in use`);
  };
  const named = (verb: string): string => `${verb} ${head.name}`;
  const buttons = h(
    "div",
    { class: "actions" },
    h("button", { type: "button", class: inUse ? "use" : big ? "primary small use" : "use", click: guarded(use), "aria-label": inUse ? `Stop using ${head.name}` : named("Use") }, inUse ? "Stop using it" : "Use this head"),
    h("button", { type: "button", class: "quiet rename", click: () => rename(), "aria-label": named("Rename") }, "Rename"),
    h("button", { type: "button", class: "quiet export", click: guarded(() => save(head)), "aria-label": named("Export") }, "Export"),
    deleted !== undefined && h("button", { type: "button", class: "quiet delete", click: () => confirm(), "aria-label": named("Delete") }, "Delete"),
  );
  const place = h("div", { class: "head-actions" }, buttons, wrong);

  const rename = (): void => {
    const input = h("input", { type: "text", value: head.name, maxlength: 80, "aria-label": "New name", autocomplete: "off" });
    const back = (): void => {
      place.replaceChildren(buttons, wrong);
      buttons.querySelector<HTMLElement>(".rename")?.focus();
    };
    const keep = async (): Promise<void> => {
      const name = input.value.trim();
      if (name === "" || name === head.name) return back();
      await renameHead(head.sha256, name);
      if (inUse) await bench.useHead(head.sha256); // the check page shows the name
      bench.headsChanged();
      renamed(name);
    };
    const form = h(
      "form",
      { class: "actions", submit: (event) => { event.preventDefault(); guarded(keep)(); } },
      input,
      h("button", { type: "submit" }, "Keep the name"),
      h("button", { type: "button", class: "quiet", click: back }, "Cancel"),
    );
    form.addEventListener("keydown", ({ key }) => key === "Escape" && back());
    place.replaceChildren(form, wrong);
    input.select();
    input.focus();
  };

  const confirm = (): void => {
    const back = (): void => {
      place.replaceChildren(buttons, wrong);
      buttons.querySelector<HTMLElement>(".delete")?.focus();
    };
    const remove = async (): Promise<void> => {
      if (inUse) await bench.useHead(null);
      await deleteHead(head.sha256);
      announce(`“${head.name}” is deleted`);
      bench.headsChanged();
      deleted?.();
    };
    const no = h("button", { type: "button", class: "quiet", click: back }, "Keep it");
    place.replaceChildren(
      h("div", { class: "actions", role: "group", "aria-label": `Delete ${head.name}?` }, h("p", {}, "Delete it for good?"), h("button", { type: "button", class: "danger", click: guarded(remove) }, "Delete"), no),
      wrong,
    );
    no.focus();
  };
  return place;
}

async function save(head: StoredHead): Promise<void> {
  const url = URL.createObjectURL(await exportHead(head));
  const plain = head.name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").toLowerCase() || "head";
  h("a", { href: url, download: `${plain}.safelight-head.safetensors` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
