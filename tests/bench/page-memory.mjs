// The page's peak memory while it takes features of 200 and of 2,000 pictures, and while it trains on them:
//   node tests/bench/page-memory.mjs                                   with the fake detector
//   node tests/bench/page-memory.mjs --site dist --folder DIR          with the real one, on DIR/{real,generated}/…
//   --site OUT                          with the real one and the quick model of quick-site.mjs, on made pictures
//   --counts 200,2000   --dimension 9984 (the fake one's floats a row)   --epochs 1 (else as proposed)   --json
// Counted is the peak resident size (VmHWM) of the renderer that holds page and worker, so it runs on Linux only. It is
// read five times a second, because Chromium sets it back for its own measurements.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch, openPage, ready } from "../e2e/browser.mjs";
import { buildFakeSite } from "../e2e/fake/site.mjs";
import { hills } from "../e2e/pictures.mjs";
import { startServer } from "../e2e/server.mjs";
import { toAudit } from "../e2e/training.mjs";

const made = fileURLToPath(new URL("../artifacts/folders/memory/", import.meta.url));
const { values } = parseArgs({
  options: { site: { type: "string" }, folder: { type: "string" }, counts: { type: "string", default: "200,2000" }, dimension: { type: "string", default: "9984" }, epochs: { type: "string" }, json: { type: "boolean", default: false } },
});
/** Bytes that a made picture carries after its end: what a page that kept pictures would show. */
const PADDING = 256 * 1024;

const site = values.site ?? (await buildFakeSite({ dimension: Number(values.dimension) })).folder;
const server = await startServer(site);
const rows = [];
for (const count of values.counts.split(",").map(Number)) rows.push(await measure(count));
await server.close();
rmSync(made, { recursive: true, force: true });
if (values.json) console.log(JSON.stringify({ detector: values.site === undefined ? "fake" : "real", rows }));
else console.table(rows);

async function measure(count) {
  rmSync(made, { recursive: true, force: true });
  if (values.folder === undefined) makePictures(count);
  else copyPictures(values.folder, count);
  const browser = await launch("chromium");
  let timer;
  try {
    const { page } = await openPage(browser, `${server.url}?device=cpu#train`);
    await ready(page);
    page.setDefaultTimeout(0);
    const session = await browser.target().createCDPSession();
    let highest = 0;
    const peak = async () => (highest = Math.max(highest, await read(session)));
    timer = setInterval(() => void peak().catch(() => undefined), 200); // the browser may have closed
    const opened = await peak();
    await page.waitForSelector("#folder");
    await (await page.$("#folder")).uploadFile(made.slice(0, -1));
    await toAudit(page);
    const facts = await peak();
    const start = Date.now();
    if (values.epochs !== undefined) await page.$eval('.recipe input[type="number"]', (input, epochs) => (input.value = epochs), values.epochs);
    await page.click("#train");
    await page.waitForFunction(() => /^Reading the features|epoch/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 100 });
    const features = await peak();
    const seconds = (Date.now() - start) / 1000;
    await page.waitForSelector(".report");
    return { pictures: count, "open, MiB": opened, "facts, MiB": facts, "features, MiB": features, "training, MiB": await peak(), "features, s": Math.round(seconds) };
  } finally {
    clearInterval(timer);
    await browser.close();
  }
}

/** MiB: the highest peak among the renderers, since it was set back last. */
async function read(session) {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const peaks = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0));
  return Math.round(Math.max(...peaks) / 1024);
}

function makePictures(count) {
  const picture = readFileSync(hills.jpeg);
  for (let index = 0; index < count; index += 1) {
    const path = join(made, index % 2 === 0 ? "real" : "generated", `source-${index % 8}`, `${index}.jpg`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.concat([picture, Buffer.alloc(PADDING, index), Buffer.from(path)]));
  }
}

function copyPictures(folder, count) {
  for (const label of ["real", "generated"]) {
    const files = readdirSync(join(folder, label), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const entry of files.slice(0, count / 2)) {
      const from = join(entry.parentPath ?? entry.path, entry.name);
      const to = join(made, label, from.slice(join(folder, label).length + 1));
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(from, to);
    }
  }
}
