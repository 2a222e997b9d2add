/** Files that could not be used, each with its reason. */
import { h } from "../dom.ts";
import type { Project } from "./project.ts";
import * as words from "./words.ts";

/** A list longer than this is cut: nobody reads it, and it would make the page slow. */
const LISTED = 200;

/** A closed list of files and what became of each. */
export function listOf(title: string, rows: readonly (readonly [path: string, reason: string])[]): HTMLElement {
  if (rows.length === 0) return h("div");
  const more = rows.length - LISTED;
  return h(
    "details",
    { class: "files" },
    h("summary", {}, `${title}: ${words.plural(rows.length, "file")}`),
    h("ul", {}, ...rows.slice(0, LISTED).map(([path, reason]) => h("li", {}, h("code", {}, path), " ", h("span", { class: "fine" }, reason))), more > 0 && h("li", { class: "fine" }, `and ${words.count(more)} more`)),
  );
}

export function unreadableFiles(project: Project): HTMLElement {
  return listOf("Could not be read", [...project.unreadable.values()].map(({ path, reason }) => [path, reason]));
}
