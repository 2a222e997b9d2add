/** The fourth screen: features of every picture, then epochs with live curves. It can be left and gone on with. */
import { asProblem } from "../../protocol.ts";
import type { Training } from "../../client.ts";
import type { Problem, Progress, StoredHead, TrainInput } from "../../protocol.ts";
import type { EpochReport } from "../../safelight-training.js";
import { unfinishedRun } from "../../unfinished.ts";
import { announce, h } from "../dom.ts";
import type { Bench, Plan, Screen } from "./bench.ts";
import { unreadableFiles } from "./filelist.ts";
import type { Entry } from "./folder.ts";
import { ask } from "./lent.ts";
import { passView } from "./passview.ts";
import { curves } from "./plots.ts";
import type { Project } from "./project.ts";
import { discardRun, secondsLeft, stageWords } from "./run.ts";
import { unfinished } from "./unfinished.ts";
import * as words from "./words.ts";

/** The curves are drawn at most this often, in milliseconds. */
const REDRAW = 200;

export function training(bench: Bench, plan: Plan): Screen {
  const body = h("div", { class: "working" });
  const element = h("div", {}, h("h2", { tabindex: -1 }, `Training “${plan.input.naming.name}”`), body);
  let leave = (): void => undefined;
  const begin = (): void => {
    const view = epochsView(bench, plan);
    leave = view.leave;
    body.replaceChildren(view.element);
  };
  if (plan.project === null || plan.features === "kept") begin();
  else {
    const features = featuresView(bench, plan.project, plan.input, begin);
    leave = features.leave;
    body.replaceChildren(features.element);
  }
  return { element, step: "train", needs: () => plan.project?.needs() ?? [], leave: () => leave() };
}

function featuresView(bench: Bench, project: Project, input: TrainInput, done: () => void): { element: HTMLElement; leave: () => void } {
  const view = passView<Entry>("Features", () => bench.go({ at: "audit", project }));
  const abort = new AbortController();
  const unreadable = h("div");
  const run = async (): Promise<void> => {
    await view.run(
      project.files().filter(({ path }) => !project.unreadable.has(path)),
      async ({ path, read }, signal) => ask(bench, "embed", { picture: await read(), treatments: input.treatments, caption: project.caption(path) }, { signal }),
      ({ path }, problem) => {
        project.unreadable.set(path, { path, reason: words.sentence(problem) });
        unreadable.replaceChildren(unreadableFiles(project));
      },
    );
    await project.corrections.sort(bench, input.treatments, abort.signal); // another head may be in use by now
    input.pictures = project.pictures(); // without those that turned out unreadable
    done();
  };
  void run().catch(() => undefined); // cancelled: the view says so
  const element = h(
    "div",
    {},
    h("p", { class: "lead" }, "First every picture is looked at once, in all the ways it is trained and tested. What is computed stays in this browser, so stopping loses nothing: choose the same folder again and it goes on."),
    view.element,
    unreadable,
  );
  const leave = (): void => {
    view.cancel();
    abort.abort();
  };
  return { element, leave };
}

function epochsView(bench: Bench, { input, project }: Plan): { element: HTMLElement; leave: () => void } {
  const abort = new AbortController();
  const leaving = new AbortController();
  const epochs: EpochReport[] = [];
  let limit: number | null = null;
  let running: Training | null = null;
  let drawn = 0;
  let stage = "";

  const line = h("p", { class: "pass-line" }, "Reading the features");
  const left = h("p", { class: "fine pass-left" });
  const bar = h("progress", { "aria-label": "Training" });
  const plots = h("div", { class: "plots" });
  const where = h("p", { class: "fine where" });
  const note = h("p", { class: "fine" });
  const wrong = h("p", { class: "problem", role: "alert", hidden: true });
  /** What to do with another training that is not finished. */
  const choice = h("div", { class: "waiting" });
  const stop = h("button", { type: "button", id: "stop-early", hidden: true, click: () => shorten() }, "Stop and keep the best");
  const pause = h("button", { type: "button", class: "pause", click: () => toggle() }, "Pause");
  const discard = h("button", { type: "button", class: "quiet", click: () => void throwAway() }, "Discard");

  const draw = (): void => {
    drawn = performance.now();
    const open = new Set([...plots.querySelectorAll("details")].flatMap((details, index) => (details.open ? [index] : [])));
    if (epochs.length === 0 || plots.contains(document.activeElement)) return; // never under a reader's hands
    plots.replaceChildren(...curves(epochs));
    plots.querySelectorAll("details").forEach((details, index) => (details.open = open.has(index)));
  };
  const progress = (told: Progress): void => {
    bar.max = told.total;
    bar.value = told.done;
    if (told.stage === "gather") line.textContent = `Reading the features: ${words.count(told.done)} of ${words.count(told.total)}`;
    if (told.device !== undefined) where.textContent = words.trainsOn(told.device);
    if (told.stage === "finish") line.textContent = "Calibrating and measuring";
    if (told.stage === "finish") left.textContent = "";
    if (told.stage !== "epoch" || told.epochs === undefined) return;
    // After a lost worker everything that is kept is told again.
    if (told.epochs[0]?.epoch === 0 && told.epochs.length === told.done) epochs.length = 0;
    if (told.done < epochs.length + told.epochs.length) epochs.length = Math.max(0, told.done - told.epochs.length);
    epochs.push(...told.epochs);
    limit = told.limit ?? null;
    const last = epochs.at(-1);
    if (last === undefined) return;
    line.textContent = stageWords(last, limit);
    left.textContent = words.timeLeft(secondsLeft(epochs, told.total - told.done));
    stop.hidden = limit !== null;
    note.textContent = limit === null ? "" : `Every stage now ends after ${words.plural(limit, "epoch")}, so that the figures are those of such a head.`;
    const reached = `${last.stage} ${last.fold}`;
    if (reached !== stage) announce(line.textContent);
    stage = reached;
    if (performance.now() - drawn > REDRAW) draw();
  };
  const run = async (): Promise<void> => {
    const client = await bench.client(abort.signal);
    running = client.train(input, { signal: abort.signal, onProgress: progress, onNotice: ({ message }) => (note.textContent = message) });
    finished(await running.result);
  };
  const finished = (head: StoredHead): void => {
    announce(`“${head.name}” is trained`);
    bench.headsChanged();
    bench.go({ at: "report", head, project });
  };
  const again = (): void => bench.go({ at: "training", plan: { input, project, features: "kept" } });
  const say = (problem: Problem): void => {
    wrong.textContent = words.sentence(problem);
    wrong.hidden = false;
  };
  const failed = async (thrown: unknown): Promise<void> => {
    const problem = asProblem(thrown, "worker-crashed");
    draw();
    stop.hidden = true;
    left.textContent = "";
    if (problem.code === "train-unfinished") {
      const other = await unfinishedRun();
      if (other !== undefined) choice.replaceChildren(unfinished(bench, other, { label: words.THROW_AWAY, done: again }, leaving.signal));
    }
    if (problem.code !== "cancelled") say(problem);
    else line.textContent = "Paused. What was learnt is kept, also when you close this page.";
    pause.textContent = "Go on";
  };
  const toggle = (): void => {
    if (pause.textContent === "Pause") abort.abort();
    else again();
  };
  const shorten = (): void => {
    running?.shorten();
    stop.hidden = true;
    note.textContent = "The epoch under way is the last of this stage.";
  };
  const throwAway = async (): Promise<void> => {
    abort.abort();
    await running?.result.catch(() => undefined);
    try {
      await discardRun(input.id);
      bench.go({ at: "intake" });
    } catch (thrown) {
      say(asProblem(thrown, "storage-none"));
    }
  };
  void run().catch(failed);
  const leftOut = project === null ? "" : words.leftOutSentence(project.correctionsLeftOut(), project.equalise);
  const element = h(
    "div",
    {},
    h("p", { class: "lead" }, "First some heads are trained with a part of your pictures held back, to measure honestly; then the head itself, on all of them."),
    leftOut !== "" && h("p", { class: "fine" }, leftOut),
    choice,
    h("div", { class: "pass" }, h("div", { class: "pass-words" }, line, left), bar, where, wrong, h("div", { class: "actions" }, stop, pause, discard), note),
    plots,
  );
  const leave = (): void => {
    abort.abort();
    leaving.abort();
  };
  return { element, leave };
}
