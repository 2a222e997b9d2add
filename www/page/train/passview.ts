/** How a pass over the pictures looks: a bar, the time left, pause and cancel, and what could not be read. */
import { asProblem } from "../../protocol.ts";
import type { Problem } from "../../protocol.ts";
import { announce, h } from "../dom.ts";
import { Pass } from "./pass.ts";
import type { PassState } from "./pass.ts";
import * as words from "./words.ts";

export interface PassView<T> {
  element: HTMLElement;
  /** Resolves when every item is done; rejects when it was cancelled or cannot go on. */
  run(items: readonly T[], each: (item: T, signal: AbortSignal) => Promise<{ known: boolean }>, failed: (item: T, problem: Problem) => void): Promise<void>;
  cancel(): void;
}

/** `doing`: what is done to each, `Reading`; `cancelled`: where the person goes after cancelling. */
export function passView<T>(doing: string, cancelled: () => void): PassView<T> {
  const bar = h("progress", { "aria-label": doing });
  const line = h("p", { class: "pass-line" });
  const left = h("p", { class: "fine pass-left" });
  const wrong = h("p", { class: "problem", role: "alert", hidden: true });
  const pause = h("button", { type: "button", class: "pause" }, "Pause");
  const cancel = h("button", { type: "button", class: "quiet cancel" }, "Cancel");
  const element = h("div", { class: "pass" }, h("div", { class: "pass-words" }, line, left), bar, wrong, h("div", { class: "actions" }, pause, cancel));
  let pass: Pass<T> | null = null;
  let paused = false;
  let quarter = 0;

  const show = (state: PassState): void => {
    paused = state.paused;
    bar.max = Math.max(1, state.total);
    bar.value = state.done;
    const known = state.known > 0 ? ` · ${words.count(state.known)} known already` : "";
    const failed = state.failed > 0 ? ` · ${words.count(state.failed)} unreadable` : "";
    line.textContent = `${doing}: ${words.count(state.done)} of ${words.plural(state.total, "picture")}${known}${failed}`;
    left.textContent = state.paused ? "Paused" : words.timeLeft(state.left);
    pause.textContent = state.paused ? "Go on" : "Pause";
    const reached = Math.floor((4 * state.done) / Math.max(1, state.total));
    if (reached > quarter) announce(`${line.textContent}. ${left.textContent}`);
    quarter = reached;
  };
  pause.addEventListener("click", () => {
    if (paused) pass?.resume();
    else pass?.pause();
  });
  cancel.addEventListener("click", () => {
    pass?.cancel();
    cancelled();
  });

  const attempt = async (items: readonly T[], each: Parameters<PassView<T>["run"]>[1], failed: Parameters<PassView<T>["run"]>[2]): Promise<void> => {
    pass = new Pass(items, { each, failed, onState: show });
    try {
      await pass.run();
    } catch (thrown) {
      const problem = asProblem(thrown, "worker-crashed");
      if (problem.code === "cancelled") throw problem;
      // A full disk, a lost device: the person can do something about it, and then go on where it stopped.
      wrong.textContent = words.sentence(problem);
      wrong.hidden = false;
      pause.textContent = "Go on";
      await new Promise<void>((resolve, reject) => {
        pause.addEventListener("click", () => resolve(), { once: true });
        cancel.addEventListener("click", () => reject(problem), { once: true });
      });
      wrong.hidden = true;
      await attempt(items, each, failed);
    }
  };
  return { element, run: attempt, cancel: () => pass?.cancel() };
}
