/** The drawings of training: live curves, ROC, reliability, and figures with their intervals. */
import type { EpochReport, Estimate, TierReport } from "../../safelight-training.js";
import { h } from "../dom.ts";
import { chart, figure, rule, table } from "./chart.ts";
import type { Axis, Series } from "./chart.ts";
import * as words from "./words.ts";

const UNIT = [0, 0.2, 0.4, 0.6, 0.8, 1];
const share = (label: string): Axis => ({ label, from: 0, to: 1, ticks: UNIT, format: (value) => (value === 0 || value === 1 ? String(value) : value.toFixed(1)) });

/** Loss and validation AUC by epoch: earlier stages pale, the present one strong. */
export function curves(epochs: readonly EpochReport[]): HTMLElement[] {
  const stages = byStage(epochs);
  const length = Math.max(2, ...epochs.map(({ epochs }) => epochs)); // the last stage may need fewer
  const x: Axis = { label: "epoch", from: 1, to: length, ticks: ticksOf(length) };
  return [lossCurve(stages, x), aucCurve(stages, x)];
}

function lossCurve(stages: EpochReport[][], x: Axis): HTMLElement {
  const top = Math.max(0.1, ...stages.flat().map(({ loss }) => loss));
  const step = top > 2 ? Math.ceil(top / 4) : top > 0.8 ? 0.4 : 0.2;
  const ticks = Array.from({ length: Math.ceil(top / step) + 1 }, (_, index) => index * step);
  const y: Axis = { label: "loss", from: 0, to: ticks.at(-1) ?? 1, ticks, format: (value) => value.toFixed(step < 1 ? 1 : 0) };
  const present = stages.at(-1) ?? [];
  const [first, last] = [present[0], present.at(-1)];
  const said = first === undefined || last === undefined ? "No epoch yet." : `Loss: ${words.decimals(first.loss)} after the first epoch, ${words.decimals(last.loss)} after epoch ${last.epoch + 1}.`;
  return figure("Loss in training", chart(said, x, y, lines(stages, ({ loss }) => loss)), legendOf(stages), numbers("Loss by epoch", stages, ({ loss }) => loss));
}

function aucCurve(stages: EpochReport[][], x: Axis): HTMLElement {
  const known = stages.filter((stage) => stage.some(({ validationAuc }) => validationAuc !== null));
  const lowest = Math.min(0.5, ...known.flat().map(({ validationAuc }) => validationAuc ?? 1));
  const from = Math.floor(lowest * 10) / 10;
  const y: Axis = { label: "AUC", from, to: 1, ticks: range(from, 1, from < 0.4 ? 0.2 : 0.1), format: (value) => value.toFixed(1) };
  const present = known.at(-1) ?? [];
  const best = present.reduce<EpochReport | null>((best, epoch) => ((epoch.validationAuc ?? 0) > (best?.validationAuc ?? -1) ? epoch : best), null);
  const said = best === null ? "No validation yet." : `Validation AUC of fold ${best.fold + 1}: best at epoch ${best.epoch + 1}, ${words.decimals(best.validationAuc ?? 0)}. Guessing is 0.5.`;
  const chance = rule(x, y, [x.from, 0.5], [x.to, 0.5], "chance");
  const drawn = chart(said, x, y, lines(known, ({ validationAuc }) => validationAuc), [chance]);
  return figure("AUC on pictures held back", drawn, legendOf(known), numbers("Validation AUC by epoch", known, ({ validationAuc }) => validationAuc));
}

/** One ROC curve for each tier, or each head that is compared. */
export function rocPlot(title: string, curvesOf: { kind: string; label: string; tier: TierReport }[]): HTMLElement {
  const [x, y] = [share("false alarms among real pictures"), share("generated pictures found")];
  const shown = curvesOf.filter(({ tier }) => tier.roc.length > 0);
  const said = shown.map(({ label, tier }) => `${label}: AUC ${words.estimate(tier.auc)}`).join("; ");
  const series = shown.map(({ kind, tier }): Series => ({ kind, points: tier.roc }));
  const rows = shown.flatMap(({ label, tier }) => [0.01, 0.05, 0.1, 0.2].map((fpr) => [label, words.percentOf(fpr), words.percentOf(truePositives(tier.roc, fpr))]));
  const drawing = chart(`ROC. ${said}`, x, y, series, [rule(x, y, [0, 0], [1, 1], "chance")]);
  return figure(title, drawing, shown.map(({ kind, label }) => [kind, label]), table("ROC", ["", "False alarms", "Generated found"], rows));
}

/** Said probability against observed share: a calibrated head lies on the diagonal. */
export function reliabilityPlot(tier: TierReport): HTMLElement {
  const [x, y] = [share("probability it gives"), share("share that was generated")];
  const bins = tier.reliability.filter(({ n }) => n > 0);
  const error = tier.expectedCalibrationError;
  const said = error === null ? "Too few pictures to say whether its probabilities are right." : `Its probabilities are off by ${words.percentOf(error)} on average (expected calibration error).`;
  const series: Series[] = [{ kind: "tier-as-given", points: bins.map(({ predicted, observed }) => [predicted, observed]), dots: true }];
  const rows = bins.map(({ predicted, observed, n }) => [words.percentOf(predicted), words.percentOf(observed), words.count(n)]);
  const drawing = chart(said, x, y, series, [rule(x, y, [0, 0], [1, 1], "chance")]);
  return figure("Are its probabilities right?", drawing, [], table("Reliability", ["Given", "Generated", "Pictures"], rows));
}

/** Figures on one line from guessing to perfect, each with its 95 % interval. */
export function intervals(rows: { label: string; estimate: Estimate | null; missing: string; kind: string }[]): HTMLElement {
  return h(
    "dl",
    { class: "intervals" },
    ...rows.flatMap(({ label, estimate, missing, kind }) => [h("dt", {}, label), h("dd", {}, estimate === null ? h("span", { class: "fine" }, missing) : whisker(estimate, kind))]),
    h("dt", { class: "scale-end", "aria-hidden": "true" }),
    h("dd", { class: "scale-ends", "aria-hidden": "true" }, h("span", {}, "guessing"), h("span", {}, "always right")),
  );
}

function whisker({ value, interval }: Estimate, kind: string): HTMLElement {
  const at = (auc: number): string => String(Math.min(1, Math.max(0, (auc - 0.5) / 0.5)));
  const bar = h("span", { class: `whisker ${kind}`, "aria-hidden": "true" }, h("span", { class: "span" }), h("span", { class: "mark" }));
  bar.style.setProperty("--low", at(interval[0]));
  bar.style.setProperty("--high", at(interval[1]));
  bar.style.setProperty("--value", at(value));
  const figures = h("span", { class: "figures" }, h("strong", {}, words.decimals(value)), ` (95 % ${interval.map(words.decimals).join("–")})`);
  return h("span", { class: "whisker-row" }, bar, figures);
}

export function byStage(epochs: readonly EpochReport[]): EpochReport[][] {
  const stages: EpochReport[][] = [];
  for (const epoch of epochs) {
    if (epoch.epoch === 0 || stages.length === 0) stages.push([]);
    stages.at(-1)?.push(epoch);
  }
  return stages;
}

function lines(stages: EpochReport[][], value: (epoch: EpochReport) => number | null): Series[] {
  return stages.map((stage, index) => ({
    kind: index === stages.length - 1 ? "present" : "past",
    points: stage.flatMap((epoch) => {
      const y = value(epoch);
      return y === null ? [] : [[epoch.epoch + 1, y] as const];
    }),
  }));
}

/** What the strong line and the pale ones are, once there are both. */
function legendOf(stages: EpochReport[][]): [kind: string, label: string][] {
  const present = stages.at(-1)?.[0];
  if (stages.length < 2 || present === undefined) return [];
  const past = stages.length === 2 ? "part 1" : `parts 1 to ${stages.length - 1}`;
  return [["present", present.stage === "final" ? "the head itself" : `part ${present.fold + 1}`], ["past", past]];
}

function numbers(caption: string, stages: EpochReport[][], value: (epoch: EpochReport) => number | null): HTMLTableElement {
  const heads = ["Epoch", ...stages.map(([first]) => (first?.stage === "final" ? "Head" : `Fold ${(first?.fold ?? 0) + 1}`))];
  const length = Math.max(0, ...stages.map((stage) => stage.length));
  const cell = (epoch: EpochReport | undefined): string => {
    const figure = epoch === undefined ? null : value(epoch);
    return figure === null ? "" : figure.toFixed(3);
  };
  const rows = Array.from({ length }, (_, index) => [String(index + 1), ...stages.map((stage) => cell(stage[index]))]);
  return table(caption, heads, rows);
}

function ticksOf(length: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100].find((step) => length / step <= 6) ?? 200;
  return [1, ...range(step, length, step).filter((tick) => tick > 1)];
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step + 1e-9) + 1 }, (_, index) => from + index * step);
}

/** The curve's height at `fpr`, between its points. */
export function truePositives(roc: readonly (readonly [number, number])[], fpr: number): number {
  for (const [index, [x, y]] of roc.entries()) {
    if (x < fpr) continue;
    const [x0, y0] = roc[index - 1] ?? [0, 0];
    return x === x0 ? y : y0 + ((y - y0) * (fpr - x0)) / (x - x0);
  }
  return 1;
}
