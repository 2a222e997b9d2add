/** Between labels and audit: what the files tell without their pixels. */
import { h } from "../dom.ts";
import type { Bench, Screen } from "./bench.ts";
import { unreadableFiles } from "./filelist.ts";
import type { Entry } from "./folder.ts";
import { ask } from "./lent.ts";
import { passView } from "./passview.ts";
import type { Project } from "./project.ts";
import { sentence } from "./words.ts";

export function facts(bench: Bench, project: Project): Screen {
  const view = passView<Entry>("Reading", () => bench.go({ at: "labels", project }));
  const unreadable = h("div");
  const run = async (): Promise<void> => {
    await view.run(
      project.files(),
      async ({ path, read }, signal) => {
        if (project.facts.has(path)) return { known: true };
        const { facts, known } = await ask(bench, "embed", { picture: await read(), treatments: [], caption: project.caption(path) }, { signal });
        project.facts.set(path, facts);
        project.unreadable.delete(path);
        return { known };
      },
      ({ path }, problem) => {
        project.unreadable.set(path, { path, reason: sentence(problem) });
        unreadable.replaceChildren(unreadableFiles(project));
      },
    );
    bench.go({ at: "audit", project });
  };
  void run().catch(() => undefined); // cancelled: the view says so
  const element = h(
    "div",
    { class: "working" },
    h("h2", { tabindex: -1 }, "Reading the files"),
    h("p", { class: "lead" }, "Each picture is opened once, measured and closed again. Afterwards you see what its file alone would give away."),
    view.element,
    unreadable,
  );
  return { element, step: "audit", needs: () => project.needs(), leave: () => view.cancel() };
}
