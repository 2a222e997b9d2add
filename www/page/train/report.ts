/** The last screen: what a head is worth, where it errs, and what to do with it. */
import type { StoredHead, WorstMistake } from "../../protocol.ts";
import type { Estimate, TierReport, TrainingReport } from "../../safelight-training.js";
import { h } from "../dom.ts";
import type { Bench, Screen } from "./bench.ts";
import { table } from "./chart.ts";
import { headActions } from "./headactions.ts";
import { intervals, reliabilityPlot, rocPlot } from "./plots.ts";
import type { Project } from "./project.ts";
import * as words from "./words.ts";

export function reportScreen(bench: Bench, head: StoredHead, project: Project | null): Screen {
  const urls: string[] = [];
  const { report } = head;
  const drawActions = (): HTMLElement => headActions(bench, head, { big: true, renamed: (name) => bench.go({ at: "report", head: { ...head, name }, project }) });
  let actions = drawActions();
  const element = h(
    "div",
    { class: "report" },
    h(
      "div",
      { class: "report-head" },
      h("h2", { tabindex: -1 }, head.name),
      h("p", { class: "fine" }, `Trained ${head.trained}. ${report === null ? "" : words.splitSentence(report)}`),
      actions,
    ),
    report === null
      ? h("p", { class: "notice" }, "This head was imported without a report: what it is worth is only known to whoever trained it.")
      : figuresOf(report),
    report !== null && worstMistakes(head.worst, project, urls),
    h("div", { class: "go" }, h("button", { type: "button", click: () => bench.go({ at: "intake" }) }, "Train another")),
  );
  return {
    element,
    step: "report",
    headChanged: () => {
      const focused = actions.contains(document.activeElement);
      const next = drawActions();
      actions.replaceWith(next);
      actions = next;
      if (focused) actions.querySelector<HTMLElement>(".use")?.focus();
    },
    leave: () => urls.forEach((url) => URL.revokeObjectURL(url)),
  };
}

function figuresOf(report: TrainingReport): HTMLElement {
  const [first] = report.tiers;
  if (first === undefined) return h("p", { class: "notice" }, "There was nothing to measure.");
  const detail = h("div", { class: "tier-detail" });
  const show = (tier: TierReport): void => detail.replaceChildren(...tierDetail(tier));
  show(first);
  // Both intervals over the same units, so that one may be held against the other.
  const files = report.audit?.nullAucOverSources ?? report.audit?.nullAuc ?? null;
  return h(
    "div",
    { class: "figures-of" },
    h(
      "section",
      { class: "panel", "aria-label": "In short" },
      intervals([
        { label: "This head", estimate: first.auc, missing: "too few pictures", kind: "this-head" },
        { label: "Files alone, no pixel seen", estimate: files, missing: report.audit === null ? "not measured" : "too few pictures", kind: "files-alone" },
        ...(report.audit?.captionAuc == null ? [] : [{ label: "Captions alone, no picture seen", estimate: report.audit.captionAuc, missing: "", kind: "captions-alone" }]),
      ]),
      h("p", {}, words.gainSentence(first.auc, files, report.tiers.some(({ tier }) => tier === "equalised"))),
      ...report.warnings.map((warning) => h("p", { class: "notice" }, warning)),
    ),
    h("section", { class: "panel", "aria-label": "Figures per tier" }, h("h3", {}, report.tiers.length > 1 ? "As given, on the web, and worse" : "Figures"), tiers(report)),
    h(
      "section",
      { class: "panel", "aria-label": "In detail" },
      h("h3", {}, "In detail"),
      report.tiers.length > 1 && tierChoice(report.tiers, first, show),
      h("div", { class: "plots" }, rocPlot("Found against false alarms", report.tiers.map((tier) => ({ kind: `tier-${tier.tier}`, label: words.tierName(tier.tier), tier }))), detail),
    ),
  );
}

function tiers({ tiers }: TrainingReport): HTMLElement {
  const heads = ["", "Pictures", "AUC", "Right", "Found, at 1 % false alarms", "Found, at 5 % false alarms", "False alarms as used", "Calibration error"];
  const orDash = (value: number | null): string => (value === null ? "too few" : words.percentOf(value));
  const rows = tiers.map((tier) => [
    h("span", {}, h("strong", {}, words.tierName(tier.tier)), h("small", {}, words.TIER_NOTES[tier.tier] ?? "")),
    words.count(tier.n),
    withInterval(tier.auc, words.decimals, words.range),
    withInterval(tier.accuracy, words.percentOf, words.percentRange),
    withInterval(tier.tprAt1, words.percentOf, words.percentRange),
    withInterval(tier.tprAt5, words.percentOf, words.percentRange),
    orDash(tier.fprAtThreshold),
    orDash(tier.expectedCalibrationError),
  ]);
  const reasons = [...new Set(tiers.flatMap(({ reason }) => (reason === null ? [] : [reason])))];
  return h(
    "div",
    { class: "tiers-table" },
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures per tier" }, table("Figures per tier, with 95 % intervals", heads, rows)),
    ...reasons.map((reason) => h("p", { class: "notice" }, reason)),
    h("p", { class: "fine" }, "Small: 95 % intervals. AUC: how often the generated one of two pictures gets the higher score; 0.5 is guessing."),
  );
}

function withInterval(value: Estimate | null, show: (value: number) => string, range: (value: Estimate) => string): string | HTMLElement {
  return value === null ? "too few" : h("span", {}, show(value.value), h("small", {}, range(value)));
}

function tierChoice(tiers: readonly TierReport[], shown: TierReport, show: (tier: TierReport) => void): HTMLElement {
  return h(
    "fieldset",
    { class: "choice tiers" },
    h("legend", { class: "hidden" }, "Tier"),
    ...tiers.map((tier) =>
      h("label", {}, h("input", { type: "radio", name: "tier", value: tier.tier, checked: tier === shown, change: () => show(tier) }), h("span", {}, words.tierName(tier.tier))),
    ),
  );
}

function tierDetail(tier: TierReport): HTMLElement[] {
  return [reliabilityPlot(tier), confusion(tier), ...(tier.sources.length > 0 ? [sources(tier)] : [])];
}

function confusion({ confusion }: TierReport): HTMLElement {
  const cell = (count: number, of: number, kind: string): HTMLElement => {
    const share = h("span", { class: `cell ${kind}` }, h("strong", {}, words.count(count)), h("small", {}, of === 0 ? "" : `${Math.round((100 * count) / of)} %`));
    share.style.setProperty("--share", String(of === 0 ? 0 : count / of));
    return share;
  };
  const row = (name: string, { generated, unsure, real }: TierReport["confusion"]["real"], right: "real" | "generated"): (string | Node)[] => {
    const of = generated + unsure + real;
    const kind = (verdict: "real" | "generated"): string => (verdict === right ? "right" : "wrong");
    return [name, cell(real, of, kind("real")), cell(unsure, of, "unsure"), cell(generated, of, kind("generated"))];
  };
  return h(
    "figure",
    { class: "plot confusion" },
    h("figcaption", {}, "What it called them"),
    table("What the head called real and generated pictures", ["", "“Real”", "“Can’t tell”", "“Generated”"], [row("Real", confusion.real, "real"), row("Generated", confusion.generated, "generated")]),
  );
}

function sources({ sources }: TierReport): HTMLElement {
  const rows = sources.map(({ source, n, auc, fprAtThreshold }) => [source || "without a source", words.count(n), words.estimate(auc), fprAtThreshold === null ? "too few" : words.percentOf(fprAtThreshold)]);
  return h(
    "figure",
    { class: "plot sources" },
    h("figcaption", {}, "By source"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures per source" }, table("Figures per source", ["Source", "Pictures", "AUC", "False alarms"], rows)),
  );
}

function worstMistakes(worst: readonly WorstMistake[], project: Project | null, urls: string[]): HTMLElement {
  const items = worst.map((mistake) => {
    const frame = h("span", { class: "mistake-thumb" });
    void thumbnail(mistake.name, project, urls).then((image) => image !== null && frame.append(image));
    return h(
      "li",
      { class: mistake.generated ? "generated" : "real" },
      frame,
      h("span", { class: "mistake-name", title: mistake.name }, mistake.name),
      h("span", { class: "fine" }, `${mistake.generated ? "generated" : "real"}, given ${Math.round(mistake.probability * 100)}\u00a0%`),
    );
  });
  return h(
    "section",
    { class: "panel", "aria-label": "Its worst mistakes" },
    h("h3", {}, "Its worst mistakes"),
    h("p", { class: "fine" }, worst.length === 0 ? "It made none on pictures that were held back." : "Pictures that were held back and got a confident wrong answer. Look at them: often it is the label that is wrong."),
    h("ul", { class: "mistakes" }, ...items),
    worst.length > 0 && project === null && h("p", { class: "fine" }, "Thumbnails are shown while the folder is open; the pictures themselves are not kept."),
  );
}

/** Small, and decoded one at a time by the browser when it comes into view. */
async function thumbnail(path: string, project: Project | null, urls: string[]): Promise<HTMLImageElement | null> {
  const file = await project?.entry(path)?.read().catch(() => undefined);
  if (file === undefined) return null;
  const url = URL.createObjectURL(file);
  urls.push(url);
  const image = h("img", { alt: "", loading: "lazy", decoding: "async", src: url });
  image.addEventListener("error", () => image.remove());
  return image;
}
