// Safelight beside onnxruntime-web, on the same weights and the same pictures, in one run: `cargo xtask bench`.
//
//     node tests/bench/run.mjs --onnx MODEL [--json] [--rounds N] [--only CASE …]
//
// A case is a device, a browser and a number of pictures. Both peers are open at once, each in a browser of its own;
// they embed the pictures, the embeddings are compared, and then they take turns, so that whatever else the machine
// does falls on both. MODEL is the float32 model of tests/float_graph.py.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure } from "./case.mjs";
import { downloads, weights } from "./downloads.mjs";
import { FOLDERS, startServer } from "./server.mjs";
import { about, table } from "./table.mjs";

const CASES = [
  { name: "webgpu-1", device: "webgpu", browser: "firefox", pictures: 1, rounds: 9 },
  { name: "webgpu-8", device: "webgpu", browser: "firefox", pictures: 8, rounds: 5 },
  { name: "chromium-webgpu-1", device: "webgpu", browser: "chromium", pictures: 1, rounds: 1, leastRounds: 1 },
  { name: "cpu-1", device: "cpu", browser: "chromium", pictures: 1, rounds: 9 },
  { name: "cpu-8", device: "cpu", browser: "chromium", pictures: 8, rounds: 5 },
  { name: "cpu-1-threads-2", device: "cpu", threads: 2, browser: "chromium", pictures: 1, rounds: 9 },
  { name: "cpu-8-threads-2", device: "cpu", threads: 2, browser: "chromium", pictures: 8, rounds: 5 },
];

async function main() {
  const { values } = parseArgs({
    options: { onnx: { type: "string" }, json: { type: "boolean" }, rounds: { type: "string" }, only: { type: "string", multiple: true, default: [] } },
  });
  const wanted = CASES.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  const unknown = values.only.filter((name) => !CASES.some((known) => known.name === name));
  if (unknown.length > 0) throw new Error(`There is no case ${unknown.join(", ")}; the cases are ${CASES.map(({ name }) => name).join(", ")}.`);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) throw new Error(`--rounds ${values.rounds} is no number of rounds.`);
  requireFile(values.onnx ?? "", "The float32 model for onnxruntime-web is missing: `cargo xtask bench` makes it.");
  requireFile(join(FOLDERS["/safelight/"], "safelight_bg.wasm"), "The page is not built: `cargo xtask test --only site` builds it.");
  requireFile(FOLDERS["/onnxruntime-web/"], "onnxruntime-web is not installed: `npm ci --ignore-scripts` installs it.");

  const server = await startServer(values.onnx);
  try {
    const cases = [];
    for (const each of wanted) cases.push(await measure({ ...each, ...(rounds === undefined ? {} : { rounds, leastRounds: rounds }) }, server, say));
    const report = { ...about(), cases, download: downloads(server.asked), weights: await weights(server.asked) };
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
