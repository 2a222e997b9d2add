// The report for people.
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { MODELS } from "./models.mjs";

const NAMES = { safelight: "Safelight", onnxruntime: "onnxruntime-web" };
/** Stands where a peer could not run. */
const NONE = "—";
const root = fileURLToPath(new URL("../../", import.meta.url));

/** What was measured, when and on what. */
export function about(cases) {
  const { version } = JSON.parse(readFileSync(`${root}node_modules/onnxruntime-web/package.json`, "utf8"));
  const { version: own } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  return {
    models: [...new Set(cases.map(({ model }) => model))].map((id) => ({ id, name: `CLIP ${MODELS[id].title}, image tower, float32`, weights: MODELS[id].weights })),
    date: new Date().toISOString().slice(0, 10),
    machine: { platform: process.platform, cores: availableParallelism(), memory: totalmem() },
    versions: { safelight: own, onnxruntime: version },
  };
}

export function table({ models, date, machine, versions, cases, download, weights }) {
  const title = ["", NAMES.safelight, NAMES.onnxruntime, "ratio", "cosine"];
  const time = ({ ms }) => (ms === undefined ? NONE : `${count(ms.median)} ms${ms.runs.length > 1 ? ` (${count(ms.min)}–${count(ms.max)})` : ""}`);
  const times = cases.map((each) => [label(each), time(each.safelight), time(each.onnxruntime), fixed(each.ratio, 2), fixed(each.cosine, 7)]);
  const starts = cases.map((each) => [label(each), start(each.safelight), start(each.onnxruntime)]);
  const visited = cases.filter((each) => each.safelight.againMs !== null);
  const visits = visited.map((each) => [label(each), again(each.safelight), again(each.onnxruntime), fixed(each.safelight.againMs.median / each.onnxruntime.againMs.median, 2)]);
  const memory = cases.map((each) => [label(each), grown(each.safelight), grown(each.onnxruntime)]);
  const failures = cases.flatMap((each) => (each.onnxruntime.failed === undefined ? [] : [`${label(each)}: ${each.onnxruntime.failed}`]));
  const theirs = Object.entries({ webgpu: "asyncify", cpu: "threaded.wasm" })
    .map(([device, mark]) => [device, part(download.onnxruntime, device, mark)])
    .filter(([, files]) => files.length > 0)
    .map(([device, files]) => `${megabytes(sum(files).gzip)} (${device})`);
  return [
    `${models.map(({ name, weights }) => `${name} (${weights} weights)`).join(", ")}; ${NAMES.safelight} ${versions.safelight}, ${NAMES.onnxruntime} ${versions.onnxruntime}; ${date}`,
    `${machine.cores} cores, ${Math.round(machine.memory / 2 ** 30)} GiB; ${adapters(cases)}`,
    "",
    "Milliseconds from pixels to embeddings: median (least–most) after a first run; ratio above 1: Safelight is slower",
    ...rows([title, ...times]),
    ...failures,
    "",
    "Seconds from nothing to the first result, once, with files from this machine: code, weights, a session or kernels, a first run",
    ...rows([title.slice(0, 3), ...starts]),
    "",
    "Seconds to the first result on a later visit, weights and code kept by the browser: median (least–most)",
    ...rows([title.slice(0, 4), ...visits]),
    "",
    "Peak memory of the page while it loads and runs once: what all processes of the browser hold (PSS), less what they hold before",
    ...rows([title.slice(0, 3), ...memory]),
    "",
    "Download, gzipped",
    ...rows([
      title.slice(0, 3),
      ["JavaScript and wasm", megabytes(sum(download.safelight).gzip), theirs.join(", ")],
      ...(weights === null ? [] : [[`weights of ${MODELS["vit-b-16"].title} (${weights.safelight.type}; ${weights.onnxruntime.type})`, megabytes(weights.safelight.gzip), megabytes(weights.onnxruntime.gzip)]]),
    ]),
  ].join("\n");
}

const label = ({ model, device, threads, browser, pictures }) => `${MODELS[model].title}, ${device === "webgpu" ? "WebGPU" : `CPU, ${threads} thread${threads === 1 ? "" : "s"}`}, ${browser[0].toUpperCase()}${browser.slice(1)}, ${pictures} picture${pictures === 1 ? "" : "s"}`;
const start = ({ startMs }) => (startMs === undefined ? NONE : `${(startMs / 1000).toFixed(1)} s`);
const again = ({ againMs: { median, min, max, runs } }) => `${(median / 1000).toFixed(1)} s${runs.length > 1 ? ` (${(min / 1000).toFixed(1)}–${(max / 1000).toFixed(1)})` : ""}`;
const grown = ({ failed, memory }) => {
  if (failed !== undefined) return NONE;
  return memory === null ? "not known here" : megabytes(memory.peak - memory.empty);
};
const fixed = (value, digits) => (value === null ? NONE : value.toFixed(digits));
const adapters = (cases) => [...new Set(cases.filter(({ device, onnxruntime }) => device === "webgpu" && onnxruntime.failed === undefined).map(({ onnxruntime }) => onnxruntime.where))].map((name) => (name === "WebGPU" ? "a WebGPU adapter that the browser does not name" : `WebGPU adapter ${name}`)).join("; ") || "WebGPU not measured";
const sum = (files) => files.reduce((total, { bytes, gzip }) => ({ bytes: total.bytes + bytes, gzip: total.gzip + gzip }), { bytes: 0, gzip: 0 });
const count = (value) => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en-GB").replaceAll(",", " "));
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** The files of onnxruntime-web's build for one device: its bundle and its wasm. */
function part(files, device, mark) {
  const bundle = device === "webgpu" ? "ort.webgpu" : "ort.wasm";
  return files.filter(({ path }) => path.startsWith(bundle) || path.includes(mark));
}

/** Columns of equal width; all but the first aligned to the right. */
function rows(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column] + 2))).join("").trimEnd());
}
