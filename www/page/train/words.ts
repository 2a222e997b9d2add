/** The sentences of training that depend on data. */
import type { Problem } from "../../protocol.ts";
import type { KeptFeatures } from "../../keptfeatures.ts";
import type { DeviceInfo } from "../../safelight.js";
import type { AuditReport, Estimate, TrainingReport } from "../../safelight-training.js";
import { sentence as sentenceOfChecks } from "../words.ts";
import type { LeftOut } from "./corrected.ts";

export const TIER_NAMES: Record<string, string> = { "as-given": "As given", web: "Web", hard: "Hard", equalised: "Equalised" };
export const TIER_NOTES: Record<string, string> = {
  "as-given": "the files as they are",
  web: "shrunk to 512 px, JPEG quality 75, as platforms do",
  hard: "shrunk to 256 px, JPEG quality 60",
  equalised: "cropped, resized and compressed alike",
};

/** What the name of a tier ends with whose pictures are looked at without their captions. */
const WITHOUT_CAPTION = "-without-caption";

export function tierName(tier: string): string {
  const of = tier.endsWith(WITHOUT_CAPTION) ? tier.slice(0, -WITHOUT_CAPTION.length) : tier;
  return `${TIER_NAMES[of] ?? of}${of === tier ? "" : ", no caption"}`;
}

export const count = (value: number): string => value.toLocaleString("en");

/** `1 picture`, `1,204 pictures`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

export const decimals = (value: number): string => value.toFixed(2);
export const percentOf = (value: number): string => `${(value * 100).toFixed(value < 0.095 ? 1 : 0)}\u00a0%`;

/** `0.93 (0.90–0.95)` */
export function estimate(value: Estimate | null): string {
  return value === null ? "too few" : `${decimals(value.value)} (${value.interval.map(decimals).join("–")})`;
}

/** The ends of the interval: `0.90–0.95`. */
export function range({ interval }: Estimate): string {
  return interval.map(decimals).join("–");
}

export function percentRange({ interval }: Estimate): string {
  return `${interval.map((end) => Math.round(end * 100)).join("–")} %`;
}

export function percentEstimate(value: Estimate | null): string {
  if (value === null) return "too few";
  const [low, high] = value.interval.map((end) => Math.round(end * 100));
  return `${Math.round(value.value * 100)} % (${low}–${high})`;
}

/** Where a head is trained, and why not on the GPU where one checks pictures. */
export function trainsOn({ kind, name, fallback }: DeviceInfo): string {
  if (kind === "gpu") return name === "" ? "Training runs on the GPU." : `Training runs on the GPU: ${name}.`;
  return fallback === null ? "Training runs on the processor." : `Training runs on the processor: ${fallback}.`;
}

/** `about 14 minutes left` */
export function timeLeft(seconds: number | null): string {
  if (seconds === null) return "";
  if (seconds < 10) return "a few seconds left";
  if (seconds < 90) return `about ${Math.round(seconds / 10) * 10} seconds left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} minutes left`;
  return `about ${(seconds / 3600).toFixed(1)} hours left`;
}

/** From this AUC on, files or captions tell the classes apart; `src/train/audit/` warns from there. */
const TELLING = 0.6;

const times = (value: number): string => `${Math.round(value * 100)} times in 100`;

/** What the files alone give away. */
export function nullSentence({ nullAuc, reason }: AuditReport): string {
  if (nullAuc === null) return reason ?? "Too few pictures to tell what the files give away.";
  const { value, interval } = nullAuc;
  const said = `Without looking at a single pixel, a small model names the generated one of two files ${times(value)} (95 % interval ${interval.map((end) => Math.round(end * 100)).join(" to ")}; guessing: 50).`;
  const [low, high] = interval;
  if (high < TELLING) return `${said} The files give next to nothing away: good.`;
  if (low <= 0.5) return `${said} These are too few pictures to tell whether the files give the label away.`;
  if (value < 0.7) return `${said} The files give a little away. Equalising removes it.`;
  return `${said} A detector trained on them as they are would learn that instead of what generated pictures look like. Equalise both classes, or collect both the same way.`;
}

/** Whether captions alone tell the classes apart: the interval lies above guessing. */
export function captionsTell(captionAuc: Estimate | null): boolean {
  return captionAuc !== null && captionAuc.interval[0] > 0.5;
}

/** Why a head had better not read the captions, as the terminal has it; `null` where nothing speaks against it. */
export function againstCaptions(captionAuc: Estimate | null): string | null {
  if (captionAuc === null) return "Off, because there are too few pictures to tell whether the captions give the label away.";
  return captionsTell(captionAuc) ? "Off, because the captions give the label away: a head that reads them would learn their wording." : null;
}

/** What captions do to a training. */
export function captionSentence(captioned: number, reads: boolean, captionAuc: Estimate | null): string {
  const have = `${plural(captioned, "picture")} ${captioned === 1 ? "comes" : "come"} with a caption.`;
  if (!reads) return `${have} The model that is open has no text tower, so it reads pictures only.`;
  if (captionAuc === null) return `${have} There are too few pictures to tell whether the captions give the label away.`;
  const said = `${have} Without any picture, a small head that reads captions only names the generated one of two ${times(captionAuc.value)} (95 % interval ${captionAuc.interval.map((end) => Math.round(end * 100)).join(" to ")}; guessing: 50).`;
  if (captionsTell(captionAuc)) return `${said} They give the label away: a detector would learn how they are worded. Train without them, or take the captions of both kinds from the same place.`;
  return captionAuc.interval[1] < TELLING ? `${said} They give nothing away: good.` : `${said} These are too few to tell whether they give the label away.`;
}

/** Whether the detector found more than the files give away. `equalised`: it learnt from pictures that were made alike. */
export function gainSentence(model: Estimate | null, files: Estimate | null, equalised: boolean): string {
  if (model === null) return "There are too few pictures to say how good this head is.";
  const said = `On pictures that were held back from its training, this head names the generated one of two ${times(model.value)} (95 % interval ${model.interval.map((end) => Math.round(end * 100)).join(" to ")}).`;
  if (files === null) return `${said} How much of that the files alone give away is not known.`;
  if (model.interval[0] > files.interval[1]) return `${said} The files alone reach ${times(files.value)}: what it sees goes beyond that.`;
  if (equalised) return `${said} The files alone reach ${times(files.value)}. It learnt from pictures that were made alike, so formats and sizes are not what it goes by; but it has not been shown to find more than they tell. More pictures, and of more origins, would help.`;
  return `${said} The files alone reach ${times(files.value)}, so it may have learnt formats and sizes instead of pictures. Do not rely on it before you have trained with both classes equalised.`;
}

export function splitSentence(report: TrainingReport): string {
  const { folds, grouped, sources, pictures, generated, real } = report;
  const set = `${plural(pictures, "picture")}, ${count(real)} real and ${count(generated)} generated, of ${plural(sources, "source")}.`;
  if (folds === 0) return `${set} Nothing was held back, so there are no figures.`;
  const measured = grouped
    ? `Measured ${folds} times over, each time on sources that were left out of training.`
    : `Measured ${folds} times over on pictures that were left out of training. They come from the same sources as the rest, so expect less on others.`;
  return [set, measured, bestSentence(report)].filter((sentence) => sentence !== "").join(" ");
}

/** Where the head learnt for fewer epochs than it was to, and nobody stopped it; reports of before do not say. */
function bestSentence({ epochs, stopped, config }: TrainingReport): string {
  if (epochs === undefined || stopped === true || !(epochs < config.epochs)) return "";
  return `Pictures held back were told apart best after ${epochs} of ${plural(config.epochs, "epoch")}, so the head learnt for as many.`;
}

/** Of pictures whose corrected verdict is another than their folder's. */
export function overruledSentence(count: number): string {
  return count === 1
    ? "The folder gives one picture another label than you did when you corrected its verdict. Your correction counts."
    : `The folder gives ${plural(count, "picture")} another label than you did when you corrected their verdicts. Your corrections count.`;
}

/** Of a training that stands in the way of another. */
export const THROW_AWAY = "Throw it away and train this one";

/** Which corrected verdicts a training does without, and why; empty where it has all. */
export function leftOutSentence({ foreign, unaltered }: LeftOut, equalise: boolean): string {
  const are = (count: number): string => `${plural(count, "corrected verdict")} ${count === 1 ? "is" : "are"} left out: `;
  const kept = (count: number): string => (count === 1 ? "its picture, which is not kept." : "their pictures, which are not kept.");
  const said = [];
  if (foreign > 0) said.push(`${are(foreign)}computed for another model, or for a head that looks at pictures otherwise. To use ${foreign === 1 ? "it" : "them"}, correct the verdict again with this one, or add the picture to the folder.`);
  if (unaltered > 0) said.push(`${are(unaltered)}${equalise ? "equalising needs" : "altered copies need"} ${kept(unaltered)}`);
  return said.join(" ");
}

/** What happened while training, and what to do about it. */
export function sentence(problem: Problem): string {
  switch (problem.code) {
    case "storage-full":
      return "There is no room left for this site in this browser. Free some disk space, or delete kept features or heads below, and go on: what this training has computed is kept.";
    case "storage-none":
      return "This browser keeps nothing in this window, and training needs that. Use a normal window rather than a private one.";
    case "train-elsewhere":
      return `${problem.message} One tab trains at a time: go on here when that one has finished or is paused.`;
    case "train-unfinished":
      return `${problem.message} One training is kept at a time: go on with that one first, or throw it away.`;
    case "train-model":
      return `${problem.message} Choose that model at the top of the page, then go on.`;
    case "features-missing":
      return `${problem.message} Choose the folder again: only what is missing is computed anew.`;
    case "train-state":
      return "This unfinished training cannot go on: it was begun by another version of this page. Discard it and train again; the features are kept.";
    case "worker-crashed":
      return "The detector broke off, also on the CPU. What was done is kept: go on, or reload the page first.";
    default:
      return sentenceOfChecks(problem);
  }
}

export function kilobytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `2,480 pictures, 21.3 MB` */
export const keptFeatures = ({ pictures, bytes }: KeptFeatures): string => `${plural(pictures, "picture")}, ${kilobytes(bytes)}`;
