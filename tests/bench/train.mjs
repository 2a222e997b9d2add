// The training step in a browser's worker, as JSON: one side of `cargo xtask bench-training`.
//
//     node tests/bench/train.mjs --browser firefox --device gpu --batch 256 [--dimension N] [--width N] [--steps N]
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch } from "../e2e/browser.mjs";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const OWN = {
  "/bench.html": "<!doctype html><title>bench</title>",
  "/bench.js": `
    import init, { trainingSpeed } from "./safelight-training.js";
    addEventListener("message", async ({ data: { device, dimension, width, batch, steps } }) => {
      try {
        await init();
        postMessage({ result: await trainingSpeed(device, dimension, width, batch, steps) });
      } catch (error) {
        postMessage({ error: String(error?.message ?? error) });
      }
    });
    addEventListener("unhandledrejection", ({ reason }) => postMessage({ error: String(reason?.message ?? reason) }));`,
};

const number = (fallback) => ({ type: "string", default: String(fallback) });
const { values } = parseArgs({
  options: { browser: { type: "string" }, device: { type: "string" }, dimension: number(1536), width: number(1536), batch: number(2048), steps: number(5) },
});
const input = { device: values.device, ...Object.fromEntries(["dimension", "width", "batch", "steps"].map((name) => [name, Number(values[name])])) };

const server = createServer(async ({ url }, response) => {
  const { pathname } = new URL(url, "http://localhost");
  const content = OWN[pathname] ?? (await readFile(join(DIST, normalize(pathname))).catch(() => null));
  // Isolated, as the real page is served, so that timers are fine enough.
  response.writeHead(content === null ? 404 : 200, {
    "Content-Type": TYPES[extname(pathname)] ?? "application/octet-stream",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  });
  response.end(content ?? "");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await launch(values.browser);
try {
  const page = await browser.newPage();
  await page.goto(`http://localhost:${server.address().port}/bench.html`);
  const answer = await page.evaluate(
    (input) =>
      new Promise((resolve) => {
        const worker = new Worker("/bench.js", { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => resolve({ error: message || "the worker did not start" });
        worker.postMessage(input);
      }),
    input,
  );
  if (answer.error) throw new Error(answer.error);
  console.log(JSON.stringify({ where: `${await browser.version()}, ${answer.result.where}`, ms: answer.result.ms }));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
