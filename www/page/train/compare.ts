/** Two heads beside each other, with the caution that their figures deserve. */
import type { StoredHead } from "../../protocol.ts";
import type { TierReport } from "../../safelight-training.js";
import { h } from "../dom.ts";
import { table } from "./chart.ts";
import { intervals, rocPlot } from "./plots.ts";
import * as words from "./words.ts";

export function comparison(a: StoredHead, b: StoredHead): HTMLElement {
  const tier = (head: StoredHead, name: string): TierReport | undefined => head.report?.tiers.find(({ tier }) => tier === name);
  const names = [...new Set([a, b].flatMap(({ report }) => report?.tiers.map(({ tier }) => tier) ?? []))];
  const rows = names.flatMap((name) => {
    const [left, right] = [tier(a, name), tier(b, name)];
    return [
      [`${words.tierName(name)}: AUC`, words.estimate(left?.auc ?? null), words.estimate(right?.auc ?? null)],
      [`${words.tierName(name)}: found at 5 % false alarms`, words.percentEstimate(left?.tprAt5 ?? null), words.percentEstimate(right?.tprAt5 ?? null)],
    ];
  });
  const [first, second] = [a.report?.tiers[0], b.report?.tiers[0]];
  const curves = [
    { kind: "head-a", label: a.name, tier: first },
    { kind: "head-b", label: b.name, tier: second },
  ].flatMap(({ tier, ...rest }) => (tier === undefined ? [] : [{ ...rest, tier }]));
  return h(
    "section",
    { class: "panel comparison", "aria-label": `${a.name} and ${b.name} compared` },
    h("h3", {}, `${a.name} and ${b.name}`),
    intervals([
      { label: a.name, estimate: first?.auc ?? null, missing: "too few pictures", kind: "head-a" },
      { label: b.name, estimate: second?.auc ?? null, missing: "too few pictures", kind: "head-b" },
    ]),
    h("p", {}, verdict(a, b, first, second)),
    h("div", { class: "plots" }, rocPlot("Found against false alarms", curves), h("figure", { class: "plot" }, h("figcaption", {}, "Per tier"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures of both heads" }, table("Figures of both heads", ["", a.name, b.name], rows)))),
  );
}

function verdict(a: StoredHead, b: StoredHead, first: TierReport | undefined, second: TierReport | undefined): string {
  const same = a.report?.pictures === b.report?.pictures && a.report?.generated === b.report?.generated;
  const caution = same ? "" : " Each was measured on its own pictures, so the difference may lie in the pictures.";
  if (!first?.auc || !second?.auc) return `There are too few pictures to say which is better.${caution}`;
  const [better, worse] = first.auc.value >= second.auc.value ? [a, b] : [b, a];
  const apart = Math.max(first.auc.interval[0], second.auc.interval[0]) > Math.min(first.auc.interval[1], second.auc.interval[1]);
  return apart ? `“${better.name}” is better than “${worse.name}”: their intervals do not touch.${caution}` : `The intervals overlap: which is better cannot be said.${caution}`;
}
