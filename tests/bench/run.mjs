// Safelight beside onnxruntime-web, on the same weights and the same pictures, in one run: `cargo xtask bench`.
//
//     node tests/bench/run.mjs [--onnx MODEL] [--l14 FOLDER] [--json] [--gpu] [--rounds N] [--only CASE …]
//
// A case is a model, a device, a browser and a number of pictures. Both peers are open at once, each in a browser of its
// own; they embed the pictures, the embeddings are compared, and then they take turns, so that whatever else the machine
// does falls on both. MODEL is the float32 model of tests/float_graph.py; FOLDER holds the pack of random_pack.py, and the
// same weights as graph.py writes them, in model.onnx and model.onnx.data. With --gpu, Chromium takes this machine's own
// adapter; Firefox always does.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure } from "./case.mjs";
import { downloads, weights } from "./downloads.mjs";
import { MODELS } from "./models.mjs";
import { FOLDERS, startServer } from "./server.mjs";
import { about, table } from "./table.mjs";

/** `model` names one of tests/bench/models.mjs, the default one where it is left out. */
const CASES = [
  { name: "webgpu-1", device: "webgpu", browser: "firefox", pictures: 1, rounds: 9 },
  { name: "webgpu-8", device: "webgpu", browser: "firefox", pictures: 8, rounds: 5 },
  { name: "chromium-webgpu-1", device: "webgpu", browser: "chromium", pictures: 1, rounds: 1, leastRounds: 1 },
  { name: "cpu-1", device: "cpu", browser: "chromium", pictures: 1, rounds: 9 },
  { name: "cpu-8", device: "cpu", browser: "chromium", pictures: 8, rounds: 5 },
  { name: "cpu-1-threads-2", device: "cpu", threads: 2, browser: "chromium", pictures: 1, rounds: 9 },
  { name: "cpu-8-threads-2", device: "cpu", threads: 2, browser: "chromium", pictures: 8, rounds: 5 },
  { name: "l14-webgpu-1", model: "vit-l-14", device: "webgpu", browser: "firefox", pictures: 1, rounds: 5 },
  { name: "l14-webgpu-8", model: "vit-l-14", device: "webgpu", browser: "firefox", pictures: 8, rounds: 3, leastRounds: 1 },
  { name: "l14-cpu-1", model: "vit-l-14", device: "cpu", browser: "chromium", pictures: 1, rounds: 5 },
  { name: "l14-cpu-1-threads-2", model: "vit-l-14", device: "cpu", threads: 2, browser: "chromium", pictures: 1, rounds: 5 },
  { name: "l14-cpu-8-threads-2", model: "vit-l-14", device: "cpu", threads: 2, browser: "chromium", pictures: 8, rounds: 3 },
].map((each) => ({ model: "vit-b-16", ...each }));

async function main() {
  const { values } = parseArgs({
    options: { onnx: { type: "string" }, l14: { type: "string" }, json: { type: "boolean" }, gpu: { type: "boolean", default: false }, rounds: { type: "string" }, only: { type: "string", multiple: true, default: [] } },
  });
  const wanted = CASES.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  const unknown = values.only.filter((name) => !CASES.some((known) => known.name === name));
  if (unknown.length > 0) throw new Error(`There is no case ${unknown.join(", ")}; the cases are ${CASES.map(({ name }) => name).join(", ")}.`);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) throw new Error(`--rounds ${values.rounds} is no number of rounds.`);
  // A file that is missing must not pass for a model that onnxruntime-web cannot run.
  const l14 = ["pack.json", "model.safetensors", "model.onnx", "model.onnx.data"].map((name) => join(values.l14 ?? "", name));
  for (const [model, paths] of [["vit-b-16", [values.onnx ?? ""]], ["vit-l-14", l14]])
    if (wanted.some((each) => each.model === model))
      for (const path of paths) requireFile(path, `${MODELS[model].title} for the bench is not whole: \`cargo xtask bench\` makes it.`);
  requireFile(join(FOLDERS["/safelight/"], "safelight_bg.wasm"), "The page is not built: `cargo xtask test --only site` builds it.");
  requireFile(FOLDERS["/onnxruntime-web/"], "onnxruntime-web is not installed: `npm ci --ignore-scripts` installs it.");

  const server = await startServer({ onnx: values.onnx, l14: values.l14 });
  try {
    const cases = [];
    for (const each of wanted) cases.push(await measure({ ...each, gpu: values.gpu, ...(rounds === undefined ? {} : { rounds, leastRounds: rounds }) }, server, say));
    const report = { ...about(cases), cases, download: downloads(server.asked), weights: await weights(server.asked) };
    console.log(values.json ? JSON.stringify(report) : table(report));
  } finally {
    await server.close();
  }
}

function requireFile(path, sentence) {
  if (!existsSync(path)) throw new Error(sentence);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

main().catch((error) => {
  say(`error: ${error.message}`);
  process.exitCode = 1;
});
