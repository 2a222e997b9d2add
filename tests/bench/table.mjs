// The report for people.
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const NAMES = { safelight: "Safelight", onnxruntime: "onnxruntime-web" };
const root = fileURLToPath(new URL("../../", import.meta.url));

/** What was measured, when and on what. */
export function about() {
  const { version } = JSON.parse(readFileSync(`${root}node_modules/onnxruntime-web/package.json`, "utf8"));
  const { version: own } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  return {
    model: "CLIP ViT-B/16, image tower, float32",
    date: new Date().toISOString().slice(0, 10),
    machine: { platform: process.platform, cores: availableParallelism(), memory: totalmem() },
    versions: { safelight: own, onnxruntime: version },
  };
}

export function table({ model, date, machine, versions, cases, download, weights }) {
  const title = ["", NAMES.safelight, NAMES.onnxruntime, "ratio", "cosine"];
  const time = ({ ms: { median, min, max, runs } }) => `${count(median)} ms${runs.length > 1 ? ` (${count(min)}–${count(max)})` : ""}`;
  const times = cases.map((each) => [label(each), time(each.safelight), time(each.onnxruntime), each.ratio.toFixed(2), each.cosine.toFixed(7)]);
  const memory = cases.map((each) => [label(each), grown(each.safelight), grown(each.onnxruntime)]);
  const ours = [sum(download.safelight), weights.safelight];
  const theirs = Object.entries({ webgpu: "asyncify", cpu: "threaded.wasm" })
    .map(([device, mark]) => [device, part(download.onnxruntime, device, mark)])
    .filter(([, files]) => files.length > 0)
    .map(([device, files]) => `${megabytes(sum(files).gzip)} (${device})`);
  return [
    `${model}; ${NAMES.safelight} ${versions.safelight}, ${NAMES.onnxruntime} ${versions.onnxruntime}; ${date}`,
    `${machine.cores} cores, ${Math.round(machine.memory / 2 ** 30)} GiB; ${adapters(cases)}`,
    "",
    "Milliseconds from pixels to embeddings: median (least–most) after a first run; ratio above 1: Safelight is slower",
    ...rows([title, ...times]),
    "",
    "Peak memory of the page while it loads and runs once: what all processes of the browser hold (PSS), less what they hold before",
    ...rows([title.slice(0, 3), ...memory]),
    "",
    "Download, gzipped",
    ...rows([
      title.slice(0, 3),
      ["JavaScript and wasm", megabytes(ours[0].gzip), theirs.join(", ")],
      [`weights (${weights.safelight.type}; ${weights.onnxruntime.type})`, megabytes(ours[1].gzip), megabytes(weights.onnxruntime.gzip)],
    ]),
  ].join("\n");
}

const label = ({ device, threads, browser, pictures }) => `${device === "webgpu" ? "WebGPU" : `CPU, ${threads} thread${threads === 1 ? "" : "s"}`}, ${browser[0].toUpperCase()}${browser.slice(1)}, ${pictures} picture${pictures === 1 ? "" : "s"}`;
const grown = ({ memory }) => (memory === null ? "not known here" : megabytes(memory.peak - memory.empty));
const adapters = (cases) => [...new Set(cases.filter(({ device }) => device === "webgpu").map(({ onnxruntime }) => onnxruntime.where))].map((name) => (name === "WebGPU" ? "a WebGPU adapter that the browser does not name" : `WebGPU adapter ${name}`)).join("; ") || "WebGPU not measured";
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
