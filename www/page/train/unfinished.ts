/** A training that is not finished: gone on with, or thrown away. Nothing takes its place unasked. */
import type { StoredRun } from "../../database.ts";
import { asProblem } from "../../protocol.ts";
import { isTraining, noneTrains, unfinishedRun } from "../../unfinished.ts";
import { h } from "../dom.ts";
import type { Bench } from "./bench.ts";
import { discardRun } from "./run.ts";
import * as words from "./words.ts";

export interface ThrowAway {
  /** What the button says. */
  label: string;
  /** It was thrown away. */
  done: () => void;
}

/** While another tab trains, the panel only says so; it offers the choice as soon as that one stops. */
export function unfinished(bench: Bench, { input, epochs }: StoredRun, { label, done }: ThrowAway, signal: AbortSignal): HTMLElement {
  const { id, naming, pictures } = input;
  const wrong = h("p", { class: "problem", role: "alert", hidden: true });
  /** Another tab may have finished it or thrown it away since. */
  const isThere = async (): Promise<boolean> => {
    const there = (await unfinishedRun())?.input.id === id;
    if (!there) panel.remove();
    return there;
  };
  const goOn = async (): Promise<void> => {
    if (await isThere()) bench.go({ at: "training", plan: { input, project: null, features: "kept" } });
  };
  const throwAway = (): void =>
    void discardRun(id).then(done, (thrown: unknown) => {
      wrong.textContent = words.sentence(asProblem(thrown, "storage-none"));
      wrong.hidden = false;
    });
  const choice = h(
    "div",
    { class: "actions" },
    h("button", { type: "button", class: "primary small", click: () => void goOn() }, "Go on training"),
    h("button", { type: "button", class: "quiet throw-away", click: throwAway }, label),
  );
  const elsewhere = h("p", { class: "fine", hidden: true }, "Another tab is training at this moment. One tab trains at a time.");
  const wait = async (): Promise<void> => {
    if (!(await isTraining())) return;
    [choice.hidden, elsewhere.hidden] = [true, false];
    await noneTrains(signal);
    await isThere();
    [choice.hidden, elsewhere.hidden] = [false, true];
  };
  const panel = h(
    "section",
    { class: "panel row unfinished", "aria-label": "Unfinished training" },
    h(
      "div",
      {},
      h("h3", {}, `“${naming.name}” is not finished`),
      h("p", { class: "fine" }, `${words.plural(pictures.length, "picture")}, ${words.plural(epochs.length, "epoch")} done. It needs no folder to go on.`),
      elsewhere,
      wrong,
    ),
    choice,
  );
  void wait().catch(() => undefined); // the screen was left
  return panel;
}
