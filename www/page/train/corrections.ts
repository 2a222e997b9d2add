/** Verdicts that a person corrected: the features and the answer are kept, the picture is not. */
import { database, keeping } from "../../database.ts";
import { h } from "../dom.ts";
import { TIERS } from "./corrected.ts";
import { ask } from "./lent.ts";
import type { Lent } from "./lent.ts";
import * as words from "./words.ts";

/** A verdict that is put right: its picture, the caption that it was given with, and the answer. */
export interface Corrected {
  file: File;
  caption: string | null;
  generated: boolean;
}

/** Keeps the features under the right answer, for the next training. */
export async function correct(lent: Lent, { file, caption, generated }: Corrected, signal: AbortSignal): Promise<void> {
  const { facts } = await ask(lent, "embed", { picture: file, treatments: [...TIERS], caption }, { signal });
  const correction = { facts, name: file.name, generated, caption, date: new Date().toISOString() };
  await keeping((db) => db.put("corrections", correction, facts.sha256));
}

export async function withdraw(file: File): Promise<void> {
  const { hash } = await import("../../hash.ts");
  await (await database()).delete("corrections", await hash(new Uint8Array(await file.arrayBuffer())));
}

/** The list, to look over; `null` when there is none. */
export async function correctionList(): Promise<HTMLElement | null> {
  const db = await database();
  const corrections = await db.getAll("corrections");
  if (corrections.length === 0) return null;
  const title = h("summary", {});
  const count = (left: number): void => void (title.textContent = `${words.plural(left, "corrected verdict")}, ready to be learnt from`);
  count(corrections.length);
  let left = corrections.length;
  const list = h("ul", {});
  for (const { facts, name, generated, caption } of corrections) {
    const told = `${generated ? " is generated" : " is real"}${caption ? `; its caption: “${caption}” ` : " "}`;
    const item = h("li", {}, h("code", {}, name), h("span", { class: "fine" }, told));
    const remove = async (): Promise<void> => {
      await (await database()).delete("corrections", facts.sha256);
      item.remove();
      left -= 1;
      count(left);
      title.focus();
    };
    item.append(h("button", { type: "button", class: "quiet", "aria-label": `Forget ${name}`, click: () => void remove() }, "Forget"));
    list.append(item);
  }
  return h(
    "details",
    { class: "panel corrections" },
    title,
    h("p", { class: "fine" }, "They are added to the next folder that you train on. Kept are each file’s name, its hash, size and format, its caption where the verdict was given with one, what was computed from it, and your answer; not the picture."),
    list,
  );
}
