// What the bench says of what it measured, without a browser. `npm test` runs it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "./compare.mjs";
import { figures } from "./figures.mjs";
import { modelFile } from "./models.mjs";
import { table } from "./table.mjs";

const shape = { name: "a case", pictures: 2, dimension: 3 };
const PICTURES = [1, 0, 0, 0, 1, 0];

test("embeddings of any length are compared picture by picture", () => {
  assert.equal(compare([PICTURES, PICTURES], shape), 1);
  // The first pictures agree; the second ones are turned a little.
  assert.equal(compare([PICTURES, [1, 0, 0, 0, 1, 0.003]], shape).toFixed(12), (1 / Math.hypot(1, 0.003)).toFixed(12));
  assert.throws(() => compare([PICTURES, [1, 0, 0, 0, 1, 0.01]], shape), /disagree \(cosine 0\.99995/);
});

test("embeddings of another model's length are refused, also those of one peer alone", () => {
  assert.throws(() => compare([PICTURES, [1, 0, 0]], shape), /6 and 3 numbers instead of 6/);
  assert.throws(() => compare([PICTURES, [...PICTURES, ...PICTURES]], shape), /6 and 12 numbers instead of 6/);
  assert.throws(() => compare([PICTURES], { ...shape, dimension: 2 }), /6 numbers instead of 4/);
  assert.equal(compare([PICTURES], shape), null);
});

test("numbers that are none, and pictures that all look the same, prove nothing", () => {
  assert.throws(() => compare([PICTURES, PICTURES.map(() => NaN)], shape), /disagree/);
  const same = [1, 0, 0, 1, 0, 0];
  assert.throws(() => compare([same, same], shape), /look the same/);
});

test("a model's files are served, and nothing beside them", () => {
  const places = { onnx: "/bench/a.onnx", l14: "/bench/l14" };
  assert.equal(modelFile("/model.onnx", places), "/bench/a.onnx");
  assert.equal(modelFile("/l14/model.onnx.data", places), "/bench/l14/model.onnx.data");
  for (const other of ["/l14/../secret", "/l14/.hidden", "/l14/deeper/file", "/l14/", "/page.js"]) assert.equal(modelFile(other, places), null, other);
  assert.equal(modelFile("/l14/model.onnx", { onnx: places.onnx }), null);
});

test("a peer is reported by its medians, and later visits only where they were measured", () => {
  const measured = { where: "WebGPU", openMs: 3000, firstMs: 500, startMs: 3500, times: [40, 10, 30], again: [900, 700], memory: null };
  const { againMs, ms } = figures(measured);
  assert.deepEqual(againMs, { median: 800, min: 700, max: 900, runs: [900, 700] });
  assert.equal(figures({ ...measured, again: [] }).againMs, null);
  assert.deepEqual(ms, { median: 30, min: 10, max: 40, runs: [40, 10, 30] });
  assert.deepEqual(figures({ failed: "why" }), { failed: "why" });
});

const once = (ms) => ({ median: ms, min: ms, max: ms, runs: [ms] });
const peer = (ms, startMs, againMs = null) => ({ where: "WebGPU", openMs: startMs - ms, firstMs: ms, startMs, againMs: againMs && once(againMs), ms: once(ms), memory: { peak: 3e9, empty: 1e9 } });
const cpu = { device: "cpu", threads: 2, browser: "chromium 1", pictures: 1 };
const report = {
  models: [{ id: "vit-b-16", name: "CLIP ViT-B/16, image tower, float32", weights: "the default model's" }, { id: "vit-l-14", name: "CLIP ViT-L/14, image tower, float32", weights: "random" }],
  date: "2026-11-24",
  machine: { platform: "linux", cores: 2, memory: 2 ** 34 },
  versions: { safelight: "0.1.0", onnxruntime: "1.30.0" },
  cases: [
    { ...cpu, name: "cpu-1-threads-2", model: "vit-b-16", cosine: 0.9999999, safelight: peer(450, 2500, 1200), onnxruntime: peer(660, 5000, 2400), ratio: 0.68 },
    { ...cpu, name: "l14-cpu-1-threads-2", model: "vit-l-14", cosine: null, safelight: peer(2000, 9000), onnxruntime: { failed: "onnxruntime could not run it: no memory" }, ratio: null },
  ],
  download: { safelight: [{ path: "safelight.js", bytes: 9, gzip: 4e5 }], onnxruntime: [{ path: "ort.wasm.bundle.min.mjs", bytes: 9, gzip: 5e5 }] },
  weights: null,
};
const lines = table(report).split("\n");

/** Cells of the first line that begins with `label`, from the line with `heading` on. */
function cells(heading, label) {
  const from = lines.findIndex((line) => line.startsWith(heading));
  const line = lines.slice(from).find((line) => line.startsWith(label));
  return line.slice(label.length).trim().split(/\s{2,}/);
}

test("a row says which model was measured", () => {
  assert.deepEqual(cells("Milliseconds", "ViT-B/16, CPU, 2 threads, Chromium 1, 1 picture"), ["450 ms", "660 ms", "0.68", "0.9999999"]);
  assert.match(lines[0], /ViT-B\/16.*the default model's weights.*ViT-L\/14.*random weights/);
});

test("the start has rows of its own, for both", () => {
  assert.deepEqual(cells("Seconds from nothing", "ViT-B/16, CPU, 2 threads, Chromium 1, 1 picture"), ["2.5 s", "5.0 s"]);
});

test("later visits are compared where they were measured", () => {
  assert.deepEqual(cells("Seconds to the first result on a later visit", "ViT-B/16, CPU, 2 threads, Chromium 1, 1 picture"), ["1.2 s", "2.4 s", "0.50"]);
  assert.equal(lines.filter((line) => line.startsWith("ViT-L/14")).length, 4); // not among them
});

test("a model that onnxruntime-web cannot run leaves its cells empty and says why; ours is there", () => {
  const label = "ViT-L/14, CPU, 2 threads, Chromium 1, 1 picture";
  assert.deepEqual(cells("Milliseconds", label), ["2 000 ms", "—", "—", "—"]);
  assert.deepEqual(cells("Seconds from nothing", label), ["9.0 s", "—"]);
  assert.deepEqual(cells("Peak memory", label), ["2000 MB", "—"]);
  assert.ok(lines.includes(`${label}: onnxruntime could not run it: no memory`));
});
