/** The second screen: what each folder holds, where its name does not say. */
import { asProblem } from "../../protocol.ts";
import { announce, h } from "../dom.ts";
import type { Bench, Screen } from "./bench.ts";
import { listOf } from "./filelist.ts";
import type { Meaning, PictureFolder, Project } from "./project.ts";
import * as words from "./words.ts";

const CHOICES: [Meaning, string][] = [["real", "Real"], ["generated", "Generated"], ["skip", "Leave out"]];

export function labels(bench: Bench, project: Project): Screen {
  const abort = new AbortController();
  const summary = h("p", { class: "summary", role: "status" });
  const list = h("div", { class: "folders" });
  const left = h("div");
  const next = h("button", { type: "button", class: "primary", id: "labels-next", click: () => bench.go({ at: "facts", project }) }, "Read the files");
  const why = h("p", { class: "fine", id: "labels-why" });
  next.setAttribute("aria-describedby", why.id);

  const mean = async (folder: string, meaning: Meaning): Promise<void> => {
    project.mapping = { ...project.mapping, [folder]: meaning };
    try {
      await project.label(bench, abort.signal);
      void project.remember();
      refresh();
      announce(summary.textContent ?? "");
    } catch (thrown) {
      const problem = asProblem(thrown, "worker-crashed");
      if (problem.code !== "cancelled") why.textContent = words.sentence(problem);
    }
  };

  const refresh = (): void => {
    const { labelling } = project;
    const generated = labelling.pictures.filter((picture) => picture.generated).length;
    const real = labelling.pictures.length - generated;
    const open = labelling.unknown.length;
    const sources = new Set(labelling.pictures.map(({ source }) => source).filter(Boolean)).size;
    const leftOut = project.folders().reduce((sum, { meaning, pictures }) => sum + (meaning === "skip" ? pictures : 0), labelling.problems.length);
    summary.replaceChildren(
      h("span", { class: "tally real" }, h("strong", {}, words.count(real)), " real"),
      h("span", { class: "tally generated" }, h("strong", {}, words.count(generated)), " generated"),
      h("span", { class: "tally" }, h("strong", {}, words.count(sources)), sources === 1 ? " source" : " sources"),
      h("span", { class: "tally" }, h("strong", {}, words.count(leftOut)), " left out"),
    );
    const reason = open > 0 ? `Say what ${open === 1 ? "one folder holds" : `${open} folders hold`}, or leave ${open === 1 ? "it" : "them"} out.` : real === 0 || generated === 0 ? `There are no ${real === 0 ? "real" : "generated"} pictures yet. A detector needs both.` : "";
    why.textContent = reason;
    next.disabled = reason !== "";
    left.replaceChildren(listOf("Left out", labelling.problems.map(({ path, message }) => [path, message])));
    for (const row of list.querySelectorAll<HTMLElement>("fieldset"))
      row.toggleAttribute("data-open", labelling.unknown.some(({ folder }) => folder === row.dataset["folder"]));
  };

  list.replaceChildren(...project.folders().map((folder, index) => row(folder, index, (meaning) => void mean(folder.path, meaning))));
  refresh();

  const element = h(
    "div",
    { class: "labels" },
    h("h2", { tabindex: -1 }, "What do the folders hold?"),
    h("p", { class: "lead" }, "Taken from their names where these say it. Please look it over: a wrong label teaches the wrong thing."),
    summary,
    list,
    project.corrections.all.length > 0 && withCorrections(project),
    left,
    h(
      "div",
      { class: "go" },
      next,
      h("button", { type: "button", class: "quiet", click: () => bench.go({ at: "intake" }) }, "Choose another folder"),
      why,
    ),
  );
  return { element, step: "labels", needs: () => project.needs(), leave: () => abort.abort() };
}

function row({ path, pictures, meaning }: PictureFolder, index: number, mean: (meaning: Meaning) => void): HTMLElement {
  const name = path === "" ? "The folder itself" : path;
  const said = meaning === "mixed" ? `${words.plural(pictures, "picture")}, labelled one by one` : words.plural(pictures, "picture");
  return h(
    "fieldset",
    { class: "folder", "data-folder": path, "data-open": meaning === null },
    h("legend", { class: "hidden" }, `${name}, ${said}`),
    h("div", { class: "folder-name", "aria-hidden": "true" }, h("strong", {}, name), h("span", { class: "fine" }, said)),
    h(
      "div",
      { class: "choice" },
      ...CHOICES.map(([value, label]) =>
        h(
          "label",
          { class: `means-${value}` },
          h("input", { type: "radio", name: `folder-${index}`, value, checked: meaning === value, change: () => mean(value) }),
          h("span", {}, label),
        ),
      ),
    ),
  );
}

function withCorrections({ corrections }: Project): HTMLElement {
  const box = h("input", { type: "checkbox", checked: corrections.wanted });
  box.addEventListener("change", () => (corrections.wanted = box.checked));
  const count = corrections.all.length;
  const generated = corrections.all.filter((correction) => correction.generated).length;
  return h(
    "label",
    { class: "check" },
    box,
    h("span", {}, `Add your ${words.plural(count, "corrected verdict")} `, h("small", {}, `${count - generated} real, ${generated} generated; for a picture of this folder your verdict counts, not the folder’s name`)),
  );
}
