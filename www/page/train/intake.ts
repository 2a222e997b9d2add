/** The first screen: a folder comes in by a picker, an input or a drop; a training that waits can go on. */
import { database } from "../../database.ts";
import { asProblem } from "../../protocol.ts";
import { h } from "../dom.ts";
import type { Bench, Screen } from "./bench.ts";
import { correctionList } from "./corrections.ts";
import { folderPicker, fromDrop, fromFiles, fromHandle } from "./folder.ts";
import type { Folder } from "./folder.ts";
import { Project } from "./project.ts";
import { unfinished } from "./unfinished.ts";
import * as words from "./words.ts";

export function intake(bench: Bench): Screen {
  const abort = new AbortController();
  const status = h("p", { class: "fine", role: "status" });
  const choose = h("button", { type: "button", class: "primary", id: "pick-folder" }, "Choose a folder");
  const stop = h("button", { type: "button", class: "quiet", hidden: true }, "Cancel");
  const input = h("input", { type: "file", id: "folder", webkitdirectory: true, multiple: true, hidden: true, "aria-label": "Folder of pictures" });
  const found = (count: number): void => void (status.textContent = `${words.plural(count, "file")} so far`);
  let listing: AbortController | null = null;

  /** `open` is called before anything is awaited: what was dropped can be asked for only then. */
  const take = async (open: (signal: AbortSignal) => Promise<Folder>): Promise<void> => {
    listing?.abort();
    const mine = (listing = new AbortController());
    abort.signal.addEventListener("abort", () => mine.abort(), { once: true });
    stop.hidden = false;
    status.textContent = "Looking into the folder";
    try {
      const project = new Project(await open(mine.signal));
      if (project.folder.entries.length === 0) throw new Error("This folder is empty. Choose one that holds pictures.");
      await project.recall();
      await project.label(bench, mine.signal);
      bench.go({ at: "labels", project });
    } catch (thrown) {
      const problem = asProblem(thrown, "folder");
      if (listing === mine) status.textContent = problem.code === "cancelled" ? "" : words.sentence(problem);
    } finally {
      stop.hidden = true;
    }
  };

  choose.addEventListener("click", () => {
    const picker = folderPicker();
    if (picker === null) return input.click();
    void picker({ id: "training", mode: "read" }).then(
      (handle) => take((signal) => fromHandle(handle, signal, found)),
      () => undefined, // the person closed the picker
    );
  });
  stop.addEventListener("click", () => listing?.abort());
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    if (files.length > 0) void take(async () => fromFiles(files));
  });
  const drop = (data: DataTransfer): void =>
    void take((signal) => {
      const opened = fromDrop(data, signal, found);
      if (opened === null) throw new Error("Drop a folder here, with pictures in sub-folders. To check single pictures, go to “Check”.");
      return opened;
    });

  const waiting = h("div", { class: "waiting" });
  void offerToGoOn(bench, waiting, (handle) => void take((signal) => fromHandle(handle, signal, found)), abort.signal);

  const element = h(
    "div",
    { class: "intake" },
    h("h2", { tabindex: -1, class: "hidden" }, "Choose a folder"),
    waiting,
    h(
      "div",
      { class: "tray" },
      choose,
      h("p", {}, "or drop one anywhere on this page"),
      input,
      h("div", { class: "status-line" }, status, stop),
    ),
    explanation(),
  );
  return { element, step: "folder", leave: () => abort.abort(), drop: { veil: "Drop the folder", take: drop } };
}

function explanation(): HTMLElement {
  return h(
    "div",
    { class: "how" },
    h(
      "div",
      {},
      h("h3", {}, "What the folder should look like"),
      h("pre", { class: "tree", "aria-label": "A folder with two sub-folders, real and generated" }, "your folder\n├ real\n│ ├ agency\n│ └ phone\n└ generated\n  ├ midjourney\n  └ flux"),
      h("p", { class: "fine" }, "Other names are fine: you say what each folder holds in the next step. Labels in metadata.csv or metadata.jsonl are read too."),
    ),
    h(
      "div",
      {},
      h("h3", {}, "What makes it work"),
      h(
        "ul",
        { class: "points" },
        h("li", {}, "At least 50 pictures of each kind, better 500. A set too small for a figure is told so."),
        h("li", {}, "The kind of pictures you will check: same subjects, same route to you."),
        h("li", {}, "Sub-folders by origin (camera, agency, generator). They are held back in turn, so the figures tell how it does on origins it has never seen."),
        h("li", {}, "Both kinds collected the same way. The audit shows where they differ."),
      ),
    ),
  );
}

/** What was left unfinished: a training, a folder; and the corrected verdicts. */
async function offerToGoOn(bench: Bench, place: HTMLElement, open: (handle: FileSystemDirectoryHandle) => void, signal: AbortSignal): Promise<void> {
  const db = await database().catch((thrown: unknown) => {
    place.append(h("p", { class: "notice" }, words.sentence(asProblem(thrown, "storage-none"))));
    return null;
  });
  if (db === null) return;
  const [run, folder, corrections] = await Promise.all([db.get("run", "run"), db.get("folder", "folder"), correctionList()]);
  if (run !== undefined) {
    const panel = unfinished(bench, run, { label: "Discard", done: () => panel.remove() }, signal);
    place.append(panel);
  }
  if (folder?.handle) {
    const { handle, name } = folder;
    const openAgain = async (): Promise<void> => {
      if (await permitted(handle)) open(handle);
    };
    const again = h("button", { type: "button", click: () => void openAgain() }, "Open it again");
    place.append(h("div", { class: "panel row" }, h("p", {}, "Last time you opened ", h("strong", {}, name), "."), again));
  }
  if (corrections !== null) place.append(corrections);
}

/** After a reload the browser asks the person again. */
async function permitted(handle: FileSystemDirectoryHandle): Promise<boolean> {
  const asking = handle as FileSystemDirectoryHandle & { queryPermission(): Promise<PermissionState>; requestPermission(): Promise<PermissionState> };
  return (await asking.queryPermission()) === "granted" || (await asking.requestPermission()) === "granted";
}
