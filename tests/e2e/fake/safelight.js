// Stands in for the wasm module in tests of the page: the same interface, verdicts from a hash of the bytes, and
// failures on request. A picture whose file ends in `safelight-fake:WORDS` steers it:
//   lose-gpu | crash-gpu | hang-gpu   on the GPU only: the device is lost, the module panics, nothing ever comes back
//   crash                             panics everywhere
//   lose-helper                       on the CPU: one thread is left of several
//   busy                              computes for seconds without ever yielding, as the CPU does
//   slow                              yields, 300 ms a block
//   p=0.87                            that probability
//   crash-decode                      panics while it is decoded
// What it does to steered pictures is told on the BroadcastChannel `fake`: `prepare p=0.87`, `begin …`, `end …`, `free …`.
import { readHead } from "./heads.js";

/** Floats a caption's row. */
const CAPTION = 9;
/** Floats a row; a measurement of memory puts the real number in its place. */
const DIMENSION = 64;

const FIGURES = {
  source: "a made-up set", n: 607, auc: 0.87, aucInterval: [0.84, 0.9], realCalledGenerated: 0.05, generatedCalledReal: 0.21, unsure: 0.3,
};
const THRESHOLDS = { real: 0.3, generated: 0.75 };
const OPERATING_POINTS = [
  { falsePositiveRate: 0.01, threshold: 0.95, truePositiveRate: 0.42 },
  { falsePositiveRate: 0.05, threshold: 0.75, truePositiveRate: 0.71 },
  { falsePositiveRate: 0.1, threshold: 0.67, truePositiveRate: 0.8 },
];
const BLOCKS = 12;

const problem = (code, message) => Object.assign(new Error(message), { code });
const channel = new BroadcastChannel("fake");
const tell = (event) => channel.postMessage(event);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function init() {}

export function offerThreads() {}

export class Loader {
  #manifest;
  #device;
  #chunks = [];

  static async open(manifest, preference) {
    const loader = new Loader();
    loader.#manifest = JSON.parse(manifest);
    loader.#device =
      preference === "cpu"
        ? { kind: "cpu", name: "CPU", fallback: null, selfTest: null }
        : { kind: "gpu", name: "Imagined Graphics 9000", fallback: null, selfTest: { maxDifference: 2.1e-6 } };
    return loader;
  }

  push(chunk) {
    this.#chunks.push(chunk);
  }

  async finish(head) {
    const file = this.#manifest.files[0];
    const bytes = new Uint8Array(await new Blob(this.#chunks).arrayBuffer());
    if (bytes.length !== file.bytes) throw problem("pack-length", `${bytes.length} bytes instead of ${file.bytes}.`);
    if ((await sha256(bytes)) !== file.sha256) throw problem("pack-hash", "The model file is not the one that was published.");
    const detector = new Detector(this.#device, this.#manifest, file.sha256);
    detector.useHead(head);
    return detector;
  }

  free() {
    this.#chunks = [];
  }
}

export class Detector {
  kernels = "";
  #head;
  /** A head's file may name another specification. */
  #spec = "5";

  constructor(device, { id, name, clip }, sha256) {
    this.info = { device, pack: { id, name, sha256, text: clip?.text !== undefined, tokenizer: false }, head: null };
  }

  get spec() {
    return { key: this.#spec.repeat(64), dimension: DIMENSION, caption: this.info.pack.text ? CAPTION : 0 };
  }

  useTokenizer() {
    this.info = { ...this.info, pack: { ...this.info.pack, tokenizer: true } };
  }

  /** A caption that holds the word `midjourney` gives the label away, see the audit in training.js. */
  async embedCaption(caption, observe) {
    this.#readable();
    if (!observe(1, 1)) throw problem("cancelled", "Stopped.");
    const row = new Float32Array(CAPTION);
    if (caption !== null) row.fill(/midjourney/.test(caption) ? 1 : -1, 0, 8).fill(1, 8);
    return row;
  }

  #readable() {
    if (!this.info.pack.text) throw problem("caption-unreadable", "This model cannot read captions: its pack has no text tower.");
    if (!this.info.pack.tokenizer) throw problem("caption-unreadable", "This model cannot read captions: its tokenizer was not loaded.");
  }

  headBytes() {
    return this.#head?.slice() ?? new Uint8Array();
  }

  useHead(head) {
    if (head === null || head.length === 0) {
      this.#head = null;
      this.info = { ...this.info, head: { id: "", name: "no head yet", trained: "", captions: false, blank: true, thresholds: THRESHOLDS, operatingPoints: [], operatingPointsSource: "", figures: { ...FIGURES, n: 0 } } };
      return;
    }
    const { id, name, date, model, captions = false, spec = "5" } = readHead(head);
    if (model === "another") throw problem("head-mismatch", "The head was trained for the model another; the loaded model is fake.");
    this.#head = head.slice();
    this.#spec = spec;
    this.info = { ...this.info, head: { id, name, trained: date, captions, blank: false, thresholds: THRESHOLDS, operatingPoints: OPERATING_POINTS, operatingPointsSource: "a made-up set", figures: FIGURES } };
  }

  async embed(bytes, treatments, observe) {
    if (bytes.length === 0) throw problem("picture-empty", "The file is empty.");
    const format = formatOf(bytes);
    if (format === null) throw problem("picture-format", "This is not a picture that can be read here: unknown content.");
    return this.embedPixels(null, 640, 480, format, bytes, treatments, observe);
  }

  async embedPixels(_rgba, width, height, format, bytes, treatments, observe) {
    const words = /safelight-fake:([\w=.-]+)/.exec(new TextDecoder("latin1").decode(bytes.subarray(-200)))?.[1] ?? "";
    const hash = await sha256(bytes);
    for (const [done] of treatments.entries()) {
      await pause(words === "slow" ? 300 : 2);
      if (!observe(done, treatments.length)) throw problem("cancelled", "Stopped.");
    }
    const features = new Float32Array(treatments.length * DIMENSION);
    for (let index = 0; index < features.length; index += 1) features[index] = Math.sin(index + parseInt(hash.slice(0, 4), 16));
    const jpeg = format === "JPEG";
    const facts = {
      width, height, format, bytes: bytes.length, jpegQuality: jpeg ? 90 : null, jpegSubsampling: jpeg ? "4:2:0" : null, exif: false,
      sha256: hash, perceptual: /near=(\w+)/.exec(words)?.[1] ?? hash.slice(0, 16),
    };
    return { facts, features };
  }

  prepare(bytes) {
    if (bytes.length === 0) throw problem("picture-empty", "The file is empty.");
    const format = formatOf(bytes);
    if (format === null) throw problem("picture-format", "This is not a picture that can be read here: unknown content.");
    const words = /safelight-fake:([\w=.-]+)/.exec(new TextDecoder("latin1").decode(bytes.subarray(-200)))?.[1] ?? "";
    tell(`prepare ${words}`);
    if (words === "crash-decode") throw new WebAssembly.RuntimeError("unreachable");
    return new Prepared(words, bytes, format);
  }

  async check(bytes, observe, caption) {
    return this.checkPrepared(this.prepare(bytes), observe, caption);
  }

  async checkPrepared({ words, bytes, format }, observe, caption) {
    tell(`begin ${words}`);
    try {
      return await this.#look(words, await sha256(bytes), { width: 640, height: 480, format }, observe, caption);
    } finally {
      tell(`end ${words}`);
    }
  }

  async checkPixels(rgba, width, height, format, observe, caption) {
    return this.#look("", await sha256(rgba), { width, height, format }, observe, caption);
  }

  async #look(words, hash, picture, observe, caption) {
    if (this.info.head.blank) throw problem("head-none", "This model has no head yet.");
    const reads = this.info.head.captions;
    if (reads && caption !== null) this.#readable();
    if (this.info.device.kind === "gpu") {
      if (words === "lose-gpu") throw problem("device-failed", "The GPU failed while it was computing: the device was lost.");
      if (words === "crash-gpu") throw new WebAssembly.RuntimeError("unreachable");
      if (words === "hang-gpu") await new Promise(() => undefined);
    }
    if (words === "lose-helper") this.info = { ...this.info, device: { ...this.info.device, name: "WebAssembly SIMD, 1 thread" } };
    if (words === "crash") throw new WebAssembly.RuntimeError("unreachable");
    const start = performance.now();
    for (let block = 1; block <= BLOCKS; block += 1) {
      if (words === "busy") for (const end = performance.now() + 400; performance.now() < end; );
      else await pause(words === "slow" ? 300 : 25);
      if (!observe(block, BLOCKS)) throw problem("cancelled", "Stopped.");
    }
    const alone = words.startsWith("p=") ? Number(words.slice(2)) : parseInt(hash.slice(0, 4), 16) / 0xffff;
    // Every caption makes a picture half as likely to be generated.
    const probability = reads && caption !== null ? alone / 2 : alone;
    const use = !reads ? "unread" : caption === null ? "missing" : "used";
    const label = probability <= THRESHOLDS.real ? "real" : probability >= THRESHOLDS.generated ? "generated" : "unsure";
    const clip = performance.now() - start;
    return { label, probability, thresholds: THRESHOLDS, picture, views: ["whole picture"], caption: use, device: this.info.device, ms: { decode: 4, pixels: 3, clip, head: 1 } };
  }

  free() {}
}

class Prepared {
  constructor(words, bytes, format) {
    Object.assign(this, { words, bytes, format });
  }

  free() {
    tell(`free ${this.words}`);
  }
}

/** A checkpoint whose pack is a copy of it; a file that holds the byte 0xff is refused. */
export class Checkpoint {
  #config;
  #files = [];
  #tokenizer = null;

  constructor(config) {
    this.#config = JSON.parse(config);
    if (this.#config.model_type !== "clip") throw problem("pack-manifest", "The model pack's manifest cannot be used: config.json: it is no CLIP model.");
  }

  static filesOfIndex(index) {
    return [...new Set(Object.values(JSON.parse(index).weight_map))].sort();
  }

  static headerBytes() {
    return 16;
  }

  add(file, head, bytes, sha256) {
    if (head.length !== 16) throw problem("weights-header", `The weights of ${file} cannot be read: it ends within its header.`);
    this.#files.push({ file, bytes, sha256 });
  }

  get text() {
    return true;
  }

  useTokenizer(json, vocabulary) {
    if (vocabulary !== 40) throw problem("tokenizer-mismatch", `The tokenizer knows ${vocabulary} tokens and the model's text tower 40: they do not belong together.`);
    this.#tokenizer = json;
  }

  convert(int8, written) {
    return new Conversion(this.#files, written, this.#tokenizer);
  }

  free() {}
}

class Conversion {
  #files;
  #bytes = [];
  #tokenizer;
  #interrupted;
  done = 0;

  constructor(files, written, tokenizer) {
    this.#files = files;
    this.#tokenizer = tokenizer;
    this.#interrupted = written > 0;
    this.kept = written - (written % 1000); // as whole tensors are
    this.total = this.packBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get wants() {
    let start = 0;
    for (const { file, bytes } of this.#files) {
      if (this.done < start + bytes) return { file, start: this.done - start, end: bytes };
      start += bytes;
    }
    return null;
  }

  get checked() {
    return !this.#interrupted && this.#files.every(({ sha256 }) => sha256 !== null);
  }

  rehash(bytes) {
    this.#bytes.push(bytes.slice());
    this.done += bytes.length;
  }

  push(chunk) {
    if (chunk.includes(0xff)) throw problem("not-finite", "The tensor x holds a value that is not a finite number.");
    this.rehash(chunk);
    return chunk.slice();
  }

  async finish(naming) {
    const hash = await sha256(new Uint8Array(await new Blob(this.#bytes).arrayBuffer()));
    if (this.checked && this.#files.some(({ sha256 }) => sha256 !== hash)) throw problem("pack-hash", "The model file is not the one that was published.");
    const own = this.#tokenizer;
    const tokenizer = own === null ? undefined : { name: "tokenizer.json", bytes: own.length, sha256: await sha256(own) };
    return JSON.stringify({ format: 1, ...naming, files: [{ name: "model.safetensors", bytes: this.total, sha256: hash }], tokenizer });
  }

  free() {}
}

function formatOf(bytes) {
  const begins = (...values) => values.every((value, index) => bytes[index] === value);
  return begins(0xff, 0xd8, 0xff) ? "JPEG" : begins(0x89, 0x50, 0x4e, 0x47) ? "PNG" : null;
}

async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
