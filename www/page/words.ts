/** Every sentence that depends on data: verdicts, what they are worth, errors a person can act on. */
import type { CheckState } from "../line.ts";
import type { Problem, Progress, StoredModel } from "../protocol.ts";
import type { DetectorInfo, DeviceInfo, HeadFigures, Verdict } from "../safelight.js";

export const VERDICT: Record<Verdict["label"], string> = {
  generated: "Likely generated",
  real: "Likely a real photo",
  unsure: "Can’t tell",
};

/** `87 %`; never 0 or 100, which no estimate deserves. */
export function percent(probability: number): string {
  const rounded = Math.round(probability * 100);
  if (rounded <= 0) return "< 1 %";
  if (rounded >= 100) return "> 99 %";
  return `${rounded} %`;
}

/** The picture of the probability, for those who hear it. */
export function scaleText({ probability, thresholds, label }: Verdict): string {
  const range = {
    generated: `from ${percent(thresholds.generated)} it is called likely generated`,
    real: `up to ${percent(thresholds.real)} it is called likely a real photo`,
    unsure: `between ${percent(thresholds.real)} and ${percent(thresholds.generated)} the detector can’t tell`,
  }[label];
  return `${percent(probability)} probability of being generated; ${range}`;
}

/** A share as people say it: `1 in 20 real photographs`, `2 in 5 pictures`. */
export function share(rate: number, of: string): string {
  if (rate <= 0.0005) return `none of the ${of}`;
  if (rate >= 0.995) return `nearly all ${of}`;
  const denominators = [2, 3, 4, 5, 10, 6, 7, 8, 9, 12, 15, 20, 25, 30, 40, 50, 100, 200, 500, 1000];
  for (const tolerance of [0.02, 0.05, 0.1]) {
    for (const denominator of denominators) {
      const numerator = Math.round(rate * denominator);
      const whole = numerator > 0 && numerator < denominator && (numerator === 1 || denominator <= 10);
      if (whole && Math.abs(numerator / denominator - rate) <= tolerance * rate) return `${numerator} in ${denominator} ${of}`;
    }
  }
  return `1 in ${Math.round(1 / rate)} ${of}`;
}

/**
 * One sentence under each verdict, from the head's own figures. Those of a head that reads captions are of pictures with
 * theirs, which a verdict without one must say.
 */
export function worth({ label, caption }: Pick<Verdict, "label" | "caption">, figures: HeadFigures): string {
  if (figures.n === 0) return `A hint, not proof: ${UNMEASURED}`;
  return caption === "missing" ? `${worthOf(label, figures)} ${WITH_CAPTIONS}, as here, it can be wrong more often.` : worthOf(label, figures);
}

const UNMEASURED = "how often this head errs was not measured, because it learnt from too few pictures to hold some back.";
const WITH_CAPTIONS = "There, captions were weighed too; without one";

function worthOf(label: Verdict["label"], figures: HeadFigures): string {
  const unseen = `on ${count(figures.n)} pictures that it had never seen`;
  if (label === "generated") return `A hint, not proof: ${unseen}, the detector called ${realCalledGenerated(figures)}.`;
  if (label === "real") return `A hint, not proof: ${unseen}, the detector took ${generatedCalledReal(figures)}.`;
  return `At this score the detector errs too often to decide: ${unseen}, it gave this answer for ${share(figures.unsure, "pictures")}.`;
}

/** The same figures at length, for “What a verdict is worth”; `captions`: the head reads them. */
export function figuresAtLength(figures: HeadFigures, captions: boolean): string {
  if (figures.n === 0) return `Nobody can say: ${UNMEASURED}`;
  const [low, high] = figures.aucInterval.map(inHundred);
  return (
    `Shown one photograph and one generated picture, this detector names the right one ${inHundred(figures.auc)} times in 100 ` +
    `(95 % interval ${low} to ${high}). ${quality(figures.auc)} ` +
    `On ${count(figures.n)} pictures it called ${realCalledGenerated(figures)}, ` +
    `took ${generatedCalledReal(figures)}, and could not tell for ${share(figures.unsure, "pictures")}. They are ${figures.source}.${captions ? ` ${WITH_CAPTIONS} it can be wrong more often.` : ""}`
  );
}

function realCalledGenerated(figures: HeadFigures): string {
  return `${share(figures.realCalledGenerated, "real photographs")} generated`;
}

function generatedCalledReal(figures: HeadFigures): string {
  return `${share(figures.generatedCalledReal, "generated pictures")} for real ones`;
}

/** An AUC in plain words; the borders are a choice of tone. */
function quality(auc: number): string {
  if (auc < 0.65) return "That is little better than guessing.";
  if (auc < 0.8) return "That is useful, and far from certain.";
  if (auc < 0.93) return "That is good, and still wrong at times.";
  return "That is very good, on pictures like those it was measured on.";
}

function inHundred(rate: number): number {
  return Math.round(rate * 100);
}

/** What a verdict was computed from and where: `Measured: whole picture · GPU, NVIDIA · 0.2 s`. */
export function facts({ views, caption, device, ms }: Verdict): string {
  const seconds = (ms.decode + ms.pixels + ms.clip + ms.head) / 1000;
  const measured = caption === "used" ? [...views, "its caption"] : views;
  return `Measured: ${measured.join(", ")} · ${deviceName(device)} · ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

/** What a caption does to a verdict, said where one can be given; `proposed`: one that was found stands in the field. */
export function captionNote(use: Verdict["caption"], proposed: boolean): string {
  if (use === "used") return "Picture and caption were weighed together. Words that suit a picture can move the verdict either way, so a made-up caption makes it worth less.";
  return proposed
    ? "The picture alone decided. Below is how its page describes it: this counts only if you check with it, and can move the verdict either way."
    : "The picture alone decided. This detector can also weigh the words that a picture was published with; they can move the verdict either way.";
}

/** Which parts of the detector are there: `Loaded: image tower, text tower, head of 2026-11-24`. */
export function parts({ pack, head }: DetectorInfo): string {
  const text = pack.text ? [pack.tokenizer ? "text tower with its tokenizer" : "text tower (its tokenizer comes with the first caption)"] : [];
  const reads = head.captions ? ", which reads pictures and captions" : pack.text ? ", which reads pictures only" : "";
  return `Loaded: ${[`image tower of ${pack.name}`, ...text, head.blank ? "no head" : `head trained ${head.trained}${reads}`].join("; ")}`;
}

export function deviceName({ kind, name }: DeviceInfo): string {
  const short = kind === "gpu" ? "GPU" : "CPU";
  return name === "" || name.toLowerCase() === kind ? short : `${short} · ${name}`;
}

/** `1,024 × 768 · JPEG · 0.3 MB` */
export function meta(bytes: number, picture: Verdict["picture"] | null): string {
  const size = bytes < 1_000_000 ? `${count(Math.max(1, Math.round(bytes / 1000)))} kB` : megabytes(bytes);
  if (picture === null) return size;
  return `${count(picture.width)} × ${count(picture.height)} · ${picture.format} · ${size}`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function loading({ stage, done, total }: Progress): string {
  if (stage === "wait") return "Opening the detector";
  if (stage === "convert") return `Adding the model: ${count(Math.round(done / 1_000_000))} of ${count(Math.round(total / 1_000_000))} MB`;
  if (stage === "download") return `Downloading the detector: ${(done / 1_000_000).toFixed(1)} of ${megabytes(total)}`;
  return `Opening the detector: ${(done / 1_000_000).toFixed(0)} of ${megabytes(total)}`;
}

/** Whether what was added is what was published. */
export function provenance({ checked }: StoredModel): string {
  switch (checked) {
    case "whole":
      return "Its files have the SHA-256 that their source gives.";
    case "interrupted":
      return "It came in more than one go, so its SHA-256 was not checked; its source named the same file each time.";
    case "unknown":
      return "Its source gives no SHA-256, so whether this is what was published was not checked.";
  }
}

export function checking({ done, total }: Progress): string {
  return `Looking at it: ${done} of ${total} layers`;
}

/** What is said aloud of a picture whose check has ended; `null` while it goes on. */
export function spoken(state: CheckState): string | null {
  if (state.name === "done") return `${VERDICT[state.verdict.label]}, ${percent(state.verdict.probability)}`;
  return state.name === "failed" ? sentence(state.problem) : null;
}

/** What happened and what to do about it. Unknown codes keep the library's own sentence. */
export function sentence({ code, message }: Problem): string {
  switch (code) {
    case "picture-empty":
      return "This file is empty. Save or download the picture again.";
    case "picture-format":
      return "This is not a picture that can be read here. Use a JPEG, PNG, WebP, GIF or BMP file, or AVIF where the browser shows it.";
    case "picture-bytes":
    case "picture-pixels":
      return `${message} Try a smaller copy.`;
    case "picture-damaged":
      return `${message} Save or download it again, or use another copy.`;
    case "picture-unreadable":
      return "The browser could not read this file. It may have been moved or changed since you chose it; choose it again.";
    case "network":
      return `${message} Check the connection and try again; what has arrived is kept.`;
    case "pack-hash":
    case "pack-length":
    case "pack-changed":
      return `The downloaded detector is not the published one, twice in a row, so it is not used. Try again later, or tell whoever runs this site. (${message})`;
    case "tokenizer-mismatch":
      return `${message} Add the model again together with its own tokenizer.json; the picture can be checked without its caption.`;
    case "tokenizer":
    case "caption-unreadable":
      return `${message} The picture can be checked without its caption.`;
    case "head-format":
      return "This file is not a head that Safelight can read. Choose a file that Safelight’s page exported.";
    case "head-mismatch":
      return "This head was trained for another model than the one that is open, so it cannot be used here.";
    case "head-none":
      return "The model that is open has no head yet, so it cannot judge pictures. Train one under Train, import one there, or choose another model at the top of the page.";
    case "storage-full":
      return `${message} Delete models that you do not use, or free room on this device, and try again.`;
    case "gpu-unavailable":
      return `${message} Choose “Automatic” or “CPU” at the top of the page.`;
    case "device-failed":
      return `${message} Close other pages that use the GPU, or choose “CPU” at the top of the page.`;
    case "worker-crashed":
      return "The detector broke off on this picture, also on the CPU. The other pictures are not affected; please report it if you may share the file.";
    case "model-failed":
    case "model-crashed":
      return `This broke off in Safelight itself; what has arrived is kept. Try again, and please report it if it happens again. (${message})`;
    case "browser-too-old":
      return "This browser is too old for Safelight. Use a current Chrome, Edge, Firefox or Safari.";
    case "cancelled":
      return "Stopped.";
    default:
      return message;
  }
}

function count(value: number): string {
  return value.toLocaleString("en");
}
