// The page's memory while it adds a model of ViT-L/14's size from a file:
//   tests/reference_checkpoint.py large DIR && node tests/bench/model-memory.mjs DIR [--site dist] [--int8]
// Counted is the resident size of the renderer that holds page and worker, sampled ten times a second, so it runs on
// Linux only; before the model is added the page's own model is open already.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, openPage, ready } from "../e2e/browser.mjs";
import { startServer } from "../e2e/server.mjs";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { site: { type: "string", default: "dist" }, int8: { type: "boolean", default: false } } });
const [folder] = positionals;
const server = await startServer(values.site);
const browser = await launch("chromium");
try {
  const { page } = await openPage(browser, `${server.url}?device=cpu`);
  page.setDefaultTimeout(0);
  await ready(page, 600_000);
  const session = await browser.target().createCDPSession();
  const before = await resident(session);
  await page.click("#device summary");
  await (await page.waitForSelector("#add-model")).click();
  if (values.int8) await page.click("#model-int8");
  let peak = before;
  const timer = setInterval(() => void resident(session).then((now) => (peak = Math.max(peak, now))), 100);
  const start = Date.now();
  await (await page.$("#model-files")).uploadFile(join(folder, "config.json"), join(folder, "model.safetensors"));
  await (await page.waitForSelector("#add-files")).click();
  await page.waitForSelector("#use-model, .adding .problem");
  clearInterval(timer);
  console.log(await page.$eval(".adding", (dialog) => dialog.innerText));
  console.table([{ "before, MiB": before, "peak, MiB": peak, seconds: Math.round((Date.now() - start) / 1000) }]);
} finally {
  await browser.close();
  await server.close();
}

/** MiB: the largest of the renderers. */
async function resident(session) {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const sizes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return 0; // it has ended meanwhile
    }
  });
  return Math.round(Math.max(...sizes) / 1024);
}
