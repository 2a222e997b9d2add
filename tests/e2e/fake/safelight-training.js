// The training half of the fake module: deterministic curves and figures from the hashes of the pictures.
// A picture whose name holds one of these words steers it:
//   slow-epochs     300 ms an epoch
//   no-timestamps   the GPU cannot train
//   best-early      the head itself ends after 7 epochs
//   lose-training   on the GPU, the fourth epoch ends in a panic
import { headFile } from "./heads.js";

const TIERS = { "as-given": 0.93, web: 0.88, hard: 0.81, equalised: 0.79 };
const FOLDS = 3;
/** Fewer of a class: no figure. */
const ENOUGH = 10;

const problem = (code, message) => Object.assign(new Error(message), { code });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const noise = (seed) => (Math.abs(Math.sin(seed * 12.9898) * 43758.5453) % 1) - 0.5;

export default async function init() {}

export function preset(name) {
  const loss = { cvarAlpha: 0.8, aucWeight: 0.5, aucMargin: 0.6, aucPower: 2 };
  const whole = { width: 1024, layers: 3, dropout: 0.335, epochs: 20, batch: 256, learningRate: 1e-3, weightDecay: 0.01, seed: 7, loss, samRho: 0.05, schedule: "cosine" };
  return name === "fine-tune" ? { ...whole, epochs: 12, learningRate: 3e-4 } : name === "paper" ? { ...whole, width: 1536, epochs: 32, batch: 2048 } : whole;
}

export class TrainingSet {
  constructor(dimension, treatments, captionDimension) {
    this.dimension = dimension;
    this.captionDimension = captionDimension;
    this.captions = [];
    this.treatments = treatments;
    this.pictures = [];
    // As the real one does, this holds every feature it is given.
    this.rows = [];
  }

  get length() {
    return this.pictures.length;
  }

  add(picture, features, caption) {
    if (caption !== null && caption.length !== this.captionDimension) throw problem("features", `${caption.length} numbers of a caption`);
    if (caption !== null) this.captions.push({ says: caption[0] > 0, generated: picture.generated });
    if (features.length !== this.dimension * this.treatments.length) throw problem("features", `${features.length} features`);
    this.pictures.push(picture);
    if (features.length > 0) this.rows.push(features);
  }

  async audit(observe) {
    for (let fold = 0; fold < 5; fold += 1) {
      await pause(20);
      if (!observe(fold, 5)) throw problem("cancelled", "Stopped.");
    }
    const { pictures } = this;
    const generated = pictures.filter((picture) => picture.generated).length;
    const real = pictures.length - generated;
    const duplicates = [];
    pictures.forEach((a, i) => {
      pictures.slice(i + 1).forEach((b, j) => {
        const kind = a.facts.sha256 === b.facts.sha256 ? "exact" : a.facts.perceptual === b.facts.perceptual ? "near" : null;
        if (kind) duplicates.push({ a: i, b: i + 1 + j, kind, acrossClasses: a.generated !== b.generated });
      });
    });
    const sources = [...new Set(pictures.map(({ source }) => source))];
    const oneClassSources = sources.filter((source) => new Set(pictures.filter((picture) => picture.source === source).map((picture) => picture.generated)).size === 1);
    const enough = Math.min(generated, real) >= ENOUGH;
    const captioned = this.captions.length;
    const right = this.captions.filter(({ says, generated }) => says === generated).length / captioned;
    const captionAuc = captioned === 0 || !enough ? null : { value: right, interval: [right - 0.06, Math.min(1, right + 0.06)] };
    return {
      pictures: pictures.length, generated, real, captioned, captionAuc,
      nullAuc: enough ? { value: 0.83, interval: [0.78, 0.88] } : null,
      reason: enough ? null : `${Math.min(generated, real)} pictures of the smaller class are too few to tell.`,
      factsThatTell: enough ? [{ fact: "square, or sides a multiple of 64", auc: 0.81 }, { fact: "not JPEG", auc: 0.74 }, { fact: "bytes per pixel", auc: 0.66 }] : [],
      duplicates, oneClassSources, balance: Math.min(generated, real) / Math.max(1, pictures.length),
      warnings: enough ? [] : ["This set is small: the figures will be rough."],
    };
  }

  free() {
    this.pictures = [];
    this.rows = [];
  }
}

export class Trainer {
  static async create(set, config, base, device) {
    if (set.length === 0) throw problem("dataset-empty", "There is no picture to learn from.");
    return new Trainer(set, { config, done: [], best: 0, stage: 0, epoch: 0, stopped: false }, device);
  }

  static async resume(set, state, device) {
    return new Trainer(set, JSON.parse(new TextDecoder().decode(state)), device);
  }

  constructor(set, state, device) {
    this.pictures = set.pictures.map((picture) => ({ ...picture }));
    this.treatments = set.treatments;
    this.captions = set.captionDimension > 0;
    this.at = state;
    const cannot = device === "gpu" && this.pictures.some(({ name }) => name.includes("no-timestamps"));
    const fallback = cannot ? "the GPU lacks timestamp-query, which the tensor library needs for training" : null;
    this.device = device === "cpu" || cannot
      ? { kind: "cpu", name: "WebAssembly SIMD, 1 thread", fallback, selfTest: null }
      : { kind: "gpu", name: "Imagined Graphics 9000", fallback, selfTest: null };
    this.lent = false;
  }

  async epoch(observe) {
    this.lent = true;
    try {
      const { at } = this;
      const named = (word) => this.pictures.some(({ name }) => name.includes(word));
      const early = named("best-early") ? 7 : at.config.epochs;
      const epochsOf = (stage) => (stage < FOLDS ? at.config.epochs : early);
      if (at.epoch === epochsOf(at.stage) || at.stopped) {
        at.stage += 1;
        at.learnt = at.epoch;
        at.epoch = 0;
        at.stopped = false;
      }
      if (at.stage > FOLDS) return null;
      const epochs = epochsOf(at.stage);
      const start = performance.now();
      for (let step = 0; step < 4; step += 1) {
        await pause(named("slow-epochs") ? 75 : 4);
        if (!observe(step, 4)) throw problem("cancelled", "Stopped.");
      }
      if (named("lose-training") && this.device.kind === "gpu" && at.done.length === 3) throw new WebAssembly.RuntimeError("unreachable");
      const x = at.epoch / epochs;
      const seed = at.stage * 100 + at.epoch + 1;
      const report = {
        stage: at.stage < FOLDS ? "fold" : "final", fold: Math.min(at.stage, FOLDS - 1), folds: FOLDS, epoch: at.epoch, epochs,
        loss: 0.18 + 0.62 * Math.exp(-3.2 * x) + 0.03 * noise(seed),
        validationAuc: at.stage < FOLDS ? 0.93 - 0.3 * Math.exp(-4 * x) - 0.03 * x + 0.015 * noise(seed + 0.5) - 0.01 * at.stage : null,
        ms: performance.now() - start,
      };
      at.epoch += 1;
      at.done.push(seed);
      return report;
    } finally {
      this.lent = false;
    }
  }

  stop() {
    if (this.lent) throw new Error("recursive use of an object detected which would lead to unsafe aliasing in rust");
    this.at.stopped = true;
    this.at.cut = true;
  }

  async state() {
    if (this.lent) throw new Error("recursive use of an object detected which would lead to unsafe aliasing in rust");
    return new TextEncoder().encode(JSON.stringify(this.at));
  }

  async finish(naming, like) {
    if (!(like instanceof Uint8Array)) throw problem("head-format", "no head to take after");
    await pause(50);
    const generated = this.pictures.filter((picture) => picture.generated).length;
    const real = this.pictures.length - generated;
    const sources = [...new Set(this.pictures.map(({ source }) => source))];
    const enough = Math.min(generated, real) >= ENOUGH;
    const scored = this.pictures.map((picture, index) => {
      const p = parseInt(picture.facts.sha256.slice(0, 6), 16) / 0xffffff;
      return { index, generated: picture.generated, probability: picture.generated ? p ** 0.5 : p ** 2 };
    });
    const worst = scored.filter(({ generated, probability }) => (generated ? probability <= 0.3 : probability >= 0.75)).sort((a, b) => Math.abs(b.probability - 0.5) - Math.abs(a.probability - 0.5)).slice(0, 12);
    const report = {
      pictures: this.pictures.length, generated, real, sources: sources.length, folds: FOLDS, grouped: sources.length >= FOLDS,
      epochs: this.at.learnt, stopped: this.at.cut === true,
      tiers: tiersOf(this.treatments, this.captions).map(([tier, auc]) => tierReport(tier, auc, generated, real, sources, enough)),
      worst, audit: null, config: this.at.config, warnings: this.at.cut ? [`Training was stopped early: the head learnt for ${this.at.learnt} of ${this.at.config.epochs} epochs, and the figures are of heads that did the same.`] : [],
    };
    const metadata = { format: 1, ...naming, captions: this.captions, thresholds: { real: 0.3, generated: 0.75 }, training: { pictures: report.pictures }, epochs: this.at.done.length };
    return { head: headFile(metadata), report };
  }

  free() {}
}

function tiersOf(treatments, captions) {
  const tiers = [...new Set(treatments.map((treatment) => treatment.replace(/-\d$/, "")))].filter((tier) => tier in TIERS).map((tier) => [tier, TIERS[tier]]); // altered copies are only learnt from
  return captions ? [...tiers, ...tiers.map(([tier, auc]) => [`${tier}-without-caption`, auc - 0.02])] : tiers;
}

function tierReport(tier, auc, generated, real, sources, enough) {
  const n = generated + real;
  if (!enough) {
    const reason = "With fewer than 10 pictures of a class, no figure here would mean anything.";
    return { tier, n, auc: null, accuracy: null, tprAt1: null, tprAt5: null, fprAtThreshold: null, expectedCalibrationError: null, reason, sources: [], roc: [], reliability: [], confusion: confusion(generated, real, auc) };
  }
  const estimate = (value) => ({ value, interval: [Math.max(0, value - 0.7 / Math.sqrt(n)), Math.min(1, value + 0.6 / Math.sqrt(n))] });
  const power = 1 / auc - 1; // ∫ x^power = auc
  const roc = Array.from({ length: 41 }, (_, index) => [(index / 40) ** 2, (index / 40) ** (2 * power)]);
  return {
    tier, n, auc: estimate(auc), accuracy: estimate(auc - 0.06), tprAt1: n >= 200 ? estimate(0.01 ** power) : null, tprAt5: estimate(0.05 ** power),
    fprAtThreshold: 0.04, expectedCalibrationError: 0.031 + (0.93 - auc) / 2, reason: n >= 200 ? null : `${real} real pictures are too few to measure a false-positive rate of 1 %.`,
    sources: sources.map((source, index) => ({ source, n: Math.round(n / sources.length), auc: index % 3 === 2 ? null : estimate(auc - 0.03 * index), fprAtThreshold: 0.03 + 0.01 * index })),
    roc, reliability: Array.from({ length: 10 }, (_, bin) => ({ predicted: bin / 10 + 0.05, observed: Math.min(1, Math.max(0, bin / 10 + 0.05 + 0.08 * Math.sin(bin))), n: Math.round(n / 10) })),
    confusion: confusion(generated, real, auc),
  };
}

function confusion(generated, real, auc) {
  const right = (n) => Math.round(n * (auc - 0.12));
  const wrong = (n) => Math.round(n * (1 - auc) * 0.6);
  const row = (n, a, b) => ({ generated: a, unsure: n - a - b, real: b });
  return { generated: row(generated, right(generated), wrong(generated)), real: row(real, wrong(real), right(real)) };
}

const REAL = /^(\d_)?(reals?|photos?|nature|camera)$/i;
const GENERATED = /^(\d_)?(ai|fakes?|generated|synthetic)$/i;
const PICTURE = /\.(jpe?g|png|webp|gif|bmp|avif|heic)$/i;

export function readLabels(paths, metadata, mapping) {
  const told = new Map();
  for (const { path, text } of metadata) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const lines = text.trim().split(/\r?\n/);
    if (path.endsWith(".txt")) continue;
    if (path.endsWith(".jsonl")) for (const { file_name, label } of lines.map((line) => JSON.parse(line))) told.set(folder + file_name, String(label));
    else {
      const [header, ...rows] = lines.map((line) => line.split(","));
      for (const row of rows) told.set(folder + row[header.indexOf("file_name")], row[header.indexOf("label")]);
    }
  }
  const mapped = (folder) => mapping[folder] ?? (folder === "" ? undefined : mapped(folder.slice(0, Math.max(0, folder.lastIndexOf("/")))));
  const classOf = (name) => (/^(real|0)$/.test(name) || REAL.test(name) ? "real" : /^(fake|1)$/.test(name) || GENERATED.test(name) ? "generated" : undefined);
  const stem = (path) => path.replace(/\.[^./]*$/, "");
  const texts = new Map(metadata.filter(({ path }) => path.endsWith(".txt")).map(({ path, text }) => [stem(path), text.trim()]));
  const unknown = new Map();
  const labelling = { pictures: [], unknown: [], problems: [] };
  for (const path of paths) {
    if (/(^|\/)metadata\.(csv|jsonl)$/.test(path) || (path.endsWith(".txt") && texts.has(stem(path)))) continue;
    if (!PICTURE.test(path)) {
      labelling.problems.push({ path, message: "This is not a picture." });
      continue;
    }
    const parts = path.split("/").slice(0, -1);
    const folder = parts.join("/");
    const named = parts.findLast((part) => REAL.test(part) || GENERATED.test(part));
    const meaning = mapped(folder) ?? (told.has(path) ? classOf(told.get(path)) : named && classOf(named));
    if (meaning === "skip") continue;
    if (meaning === undefined) unknown.set(folder, (unknown.get(folder) ?? 0) + 1);
    else labelling.pictures.push({ path, source: parts.filter((part) => part !== named).join("/"), generated: meaning === "generated", text: texts.get(stem(path)) ?? null });
  }
  labelling.unknown = [...unknown].map(([folder, count]) => ({ folder, count }));
  return labelling;
}
