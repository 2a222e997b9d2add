/** The third screen: what could be learnt without looking at a pixel, and what to do about it before training. */
import { asProblem, Problem } from "../../protocol.ts";
import type { Presets, TrainInput } from "../../protocol.ts";
import type { AuditReport } from "../../safelight-training.js";
import type { DetectorInfo } from "../../safelight.js";
import { isTraining, unfinishedRun } from "../../unfinished.ts";
import { announce, h } from "../dom.ts";
import { keepStored } from "../offline.ts";
import type { Bench, Screen } from "./bench.ts";
import { table } from "./chart.ts";
import { copies } from "./copies.ts";
import { unreadableFiles } from "./filelist.ts";
import { ask } from "./lent.ts";
import { intervals } from "./plots.ts";
import type { Member, Project } from "./project.ts";
import { recipe } from "./recipe.ts";
import { unfinished } from "./unfinished.ts";
import * as words from "./words.ts";

const LISTED = 50;
/** Below this share of the smaller class, the balance is worth a word. */
const LOPSIDED = 0.2;

export function audit(bench: Bench, project: Project): Screen {
  const abort = new AbortController();
  const findings = h("div", { class: "findings", "aria-busy": "true" }, h("p", {}, "Looking for what the files give away"), h("progress", { "aria-label": "Audit" }));
  const element = h(
    "div",
    { class: "audit" },
    h("h2", { tabindex: -1 }, "Before training: could it cheat?"),
    h("p", { class: "lead" }, "If your generated pictures are square PNGs and your photographs are JPEGs, a detector learns file formats. This audit looks at files only: size, format, compression, never a pixel."),
    findings,
  );
  const run = async (): Promise<void> => {
    await project.corrections.sort(bench, project.treatments(false), abort.signal);
    const members = project.members();
    const pictures = members.map(({ picture }) => picture);
    const report = await ask(bench, "audit", { pictures }, { signal: abort.signal });
    const presets = await ask(bench, "presets", {}, { signal: abort.signal });
    const detector = (await bench.client(abort.signal)).opened?.info ?? null;
    project.audit = report;
    const again = (): void => bench.go({ at: "audit", project });
    findings.removeAttribute("aria-busy");
    findings.replaceChildren(
      ...[leak(report), captions(report, project, detector) ?? "", balance(report, members), duplicates(project, members, report, again), sources(report), unreadableFiles(project)],
      start(bench, project, { presets, detector, signal: abort.signal }),
    );
    announce(words.nullSentence(report));
  };
  void run().catch((thrown: unknown) => {
    const problem = asProblem(thrown, "worker-crashed");
    if (problem.code === "cancelled") return;
    const retry = h("button", { type: "button", click: () => bench.go({ at: "audit", project }) }, "Try again");
    findings.replaceChildren(h("p", { class: "problem", role: "alert" }, words.sentence(problem)), retry);
  });
  return { element, step: "audit", needs: () => project.needs(), leave: () => abort.abort() };
}

function leak(report: AuditReport): HTMLElement {
  return h(
    "section",
    { class: "panel", "aria-label": "What the files alone give away" },
    h("h3", {}, "What the files alone give away"),
    intervals([
      { label: "Files alone, no pixel seen", estimate: report.nullAuc, missing: "too few pictures", kind: "files-alone" },
      { label: "The trained detector", estimate: null, missing: "measured in training, and shown beside this", kind: "this-head" },
    ]),
    h("p", {}, words.nullSentence(report)),
    report.factsThatTell.length > 0 &&
      h(
        "details",
        { class: "numbers" },
        h("summary", {}, "Which facts tell"),
        table("Facts that tell the classes apart", ["Fact", "AUC by itself"], report.factsThatTell.map(({ fact, auc }) => [fact, words.decimals(auc)])),
      ),
  );
}

function balance({ generated, real, balance, warnings }: AuditReport, members: readonly Member[]): HTMLElement {
  const bar = h("div", { class: "balance", "aria-hidden": "true" }, h("span", { class: "real" }), h("span", { class: "generated" }));
  bar.style.setProperty("--reals", String(real));
  bar.style.setProperty("--generateds", String(generated));
  const overruled = members.filter((member) => member.overruled).length;
  const lopsided = balance < LOPSIDED ? " Training weighs both kinds alike; more of the rarer kind would still help most." : "";
  return h(
    "section",
    { class: "panel", "aria-label": "Balance" },
    h("h3", {}, "Balance"),
    bar,
    h("p", {}, `${words.plural(real, "real picture")}, ${words.plural(generated, "generated picture")}.${lopsided}`),
    overruled > 0 && h("p", { class: "fine", id: "overruled" }, words.overruledSentence(overruled)),
    ...warnings.map((warning) => h("p", { class: "notice" }, warning)),
  );
}

function duplicates(project: Project, members: readonly Member[], { duplicates }: AuditReport, again: () => void): HTMLElement {
  const name = (index: number): string => members[index]?.picture.name ?? "";
  if (duplicates.length === 0) return h("section", { class: "panel", "aria-label": "Duplicates" }, h("h3", {}, "Duplicates"), h("p", {}, "No picture is there twice."));
  const across = duplicates.filter(({ acrossClasses }) => acrossClasses).length;
  const leaveOut = (): void => {
    project.leaveOut(copies(members, duplicates));
    again();
  };
  const rows = [...duplicates].sort((a, b) => Number(b.acrossClasses) - Number(a.acrossClasses)).slice(0, LISTED);
  return h(
    "section",
    { class: "panel", "aria-label": "Duplicates" },
    h("h3", {}, "Duplicates"),
    h(
      "p",
      {},
      `${words.plural(duplicates.length, "pair")} of pictures ${duplicates.length === 1 ? "is" : "are"} the same or nearly so. The figures would flatter: a picture would be tested on its own copy.`,
      across > 0 && h("strong", {}, ` ${across === 1 ? "One pair is" : `${across} pairs are`} called real and generated at once.`),
    ),
    h(
      "details",
      { class: "numbers" },
      h("summary", {}, "Which"),
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Duplicates" }, table("Duplicates", ["Picture", "Its copy", "How"], rows.map(({ a, b, kind, acrossClasses }) => [name(a), name(b), `${kind === "exact" ? "same file" : "nearly the same"}${acrossClasses ? ", other label" : ""}`]))),
    ),
    h("button", { type: "button", id: "leave-out", click: leaveOut }, "Leave the copies out"),
    across > 0 && h("p", { class: "fine" }, "Of pairs with two labels, both are left out, unless you have corrected the verdict on one: then that one stays."),
  );
}

function sources({ oneClassSources }: AuditReport): HTMLElement | string {
  if (oneClassSources.length === 0) return "";
  const named = oneClassSources.slice(0, 8).map((source) => source || "those without a source").join(", ") + (oneClassSources.length > 8 ? ", …" : "");
  return h(
    "section",
    { class: "panel", "aria-label": "Sources" },
    h("h3", {}, "Sources with one kind only"),
    h("p", {}, `${words.plural(oneClassSources.length, "source")}: ${named}. That is usual for cameras and generators. It also means that the detector may learn a source’s habits; trust the figures per source more than the total.`),
  );
}

/** What captions alone give away, where the folder has captions. */
function captions(report: AuditReport, project: Project, detector: DetectorInfo | null): HTMLElement | null {
  if (project.captioned === 0) return null;
  const reads = detector?.pack.text === true;
  return h(
    "section",
    { class: "panel", "aria-label": "Captions" },
    h("h3", {}, "Captions"),
    reads &&
      intervals([{ label: "Captions alone, no picture seen", estimate: report.captionAuc ?? null, missing: "too few pictures", kind: "captions-alone" }]),
    h("p", {}, words.captionSentence(project.captioned, reads, report.captionAuc ?? null)),
  );
}

interface Start {
  presets: Presets;
  detector: DetectorInfo | null;
  signal: AbortSignal;
}

function start(bench: Bench, project: Project, { presets, detector, signal }: Start): HTMLElement {
  const captions = {
    offered: project.captioned > 0 && detector?.pack.text === true,
    against: words.againstCaptions(project.audit?.captionAuc ?? null),
    inUse: detector?.head.captions === true,
    blank: detector?.head.blank === true,
  };
  const { element: fields, read } = recipe(project.folder.name, project.pictures().length, captions, presets);
  const equalise = h("input", { type: "checkbox", role: "switch", id: "equalise", checked: project.equalise, "aria-describedby": "equalise-note" });
  const leftOut = h("p", { class: "notice", id: "left-out", role: "status", hidden: true });
  const inTheWay = h("div", { class: "waiting", role: "status" });
  /** What is chosen decides which corrected verdicts can be used. */
  const sort = async (): Promise<void> => {
    await project.corrections.sort(bench, project.treatments(read().altered), signal);
    leftOut.textContent = words.leftOutSentence(project.correctionsLeftOut(), project.equalise);
    leftOut.hidden = leftOut.textContent === "";
  };
  equalise.addEventListener("change", () => {
    project.equalise = equalise.checked;
    void project.remember();
  });
  const begin = async (): Promise<void> => {
    if (await isTraining()) throw new Problem("train-elsewhere", "Another tab of this browser is training.");
    const other = await unfinishedRun();
    if (other !== undefined) return void inTheWay.replaceChildren(unfinished(bench, other, { label: words.THROW_AWAY, done: guarded(begin) }, signal));
    await sort();
    const { altered, ...choice } = read();
    const input: TrainInput = { ...choice, id: crypto.randomUUID(), pictures: project.pictures(), treatments: project.treatments(altered), audit: project.audit };
    void keepStored().catch(() => undefined);
    bench.go({ at: "training", plan: { input, project, features: "compute" } });
  };
  const guarded = (act: () => Promise<void>) => (): void =>
    void act().catch((thrown: unknown) => {
      const problem = asProblem(thrown, "worker-crashed");
      if (problem.code !== "cancelled") inTheWay.replaceChildren(h("p", { class: "problem" }, words.sentence(problem)));
    });
  const panel = h(
    "section",
    { class: "panel start", "aria-label": "Training", change: guarded(sort) },
    h(
      "label",
      { class: "switch" },
      equalise,
      h("span", {}, h("strong", {}, "Equalise both classes"), h("small", { id: "equalise-note" }, "Every picture is cropped, resized and compressed anew in the same way, four times with different draws, before it is learnt from. Formats and sizes then give nothing away. Figures are given for the pictures as they are, too.")),
    ),
    fields,
    leftOut,
    inTheWay,
    h(
      "div",
      { class: "go" },
      h("button", { type: "button", class: "primary", id: "train", click: guarded(begin) }, "Train"),
      h("button", { type: "button", class: "quiet", click: () => bench.go({ at: "labels", project }) }, "Back to the labels"),
    ),
  );
  guarded(sort)();
  return panel;
}
