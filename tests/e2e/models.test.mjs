// Models that a person adds, with the fake conversion: from files and from a hub, cancelled, interrupted, refused, used, deleted.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, before, test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";

const HUB = "/models/hub/maker/clip-small/resolve/main/";
const BYTES = 3_000_000;
let site, server, browser, files;

before(async () => {
  site = await buildFakeSite();
  const hub = join(site.folder, HUB);
  files = await mkdtemp(join(tmpdir(), "safelight-models-"));
  const weights = Buffer.alloc(BYTES, 7);
  for (const folder of [hub, files]) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "config.json"), JSON.stringify({ model_type: "clip" }));
    await writeFile(join(folder, "model.safetensors"), weights);
  }
  await mkdir(join(files, "bad"), { recursive: true });
  weights[2_000_000] = 0xff;
  await writeFile(join(files, "bad/model.safetensors"), weights);
});
afterEach(async () => {
  await browser?.close();
  await server?.close();
});

async function start(name, faults) {
  server = await startServer(site.folder, faults);
  browser = await launch(name);
  const opened = await openPage(browser, server.url);
  await ready(opened.page);
  return opened;
}

const text = (page, selector) => page.$eval(selector, (element) => element.textContent);

async function openPanel(page) {
  if (!(await page.$eval("#device", (details) => details.open))) await page.click("#device summary");
  await page.waitForSelector("#add-model");
}

async function dialogue(page) {
  await openPanel(page);
  await page.click("#add-model");
  await page.waitForSelector("dialog.adding[open]");
}

async function fromFiles(page, ...paths) {
  await dialogue(page);
  await (await page.$("#model-files")).uploadFile(...paths);
}

async function fromHub(page, id) {
  await dialogue(page);
  await page.type("#model-hub", id);
  await page.click("#fetch-model");
}

const models = async (page) => {
  await openPanel(page);
  return page.$$eval("#models li", (items) => items.map((item) => ({ words: item.textContent, inUse: item.querySelector("input").checked })));
};
const hubRequests = () => server.log.filter(({ path }) => path.startsWith("/models/hub/"));

for (const name of ["chromium", "firefox"]) {
  test(`${name}: a model from files is kept, has no head, is used after a reload, and is deleted`, async () => {
    const { page, errors } = await start(name);
    await fromFiles(page, join(files, "config.json"), join(files, "model.safetensors"));
    await page.waitForSelector("#use-model");
    assert.match(await text(page, "#adding-line"), /is in this browser, with 3\.0 MB/);
    await page.click("#use-model");
    await page.waitForFunction(() => document.getElementById("model-line").textContent === "This model has no head yet");
    assert.equal(await page.$eval("#no-head", (note) => note.hidden), false);
    await page.reload();
    await ready(page);
    assert.equal(await text(page, "#model-line"), "This model has no head yet");
    await pick(page, steered("a.jpg", "p=0.9"));
    const [card] = await settled(page, 1);
    assert.equal(card.code, "head-none");
    assert.match(card.worth, /has no head yet.*Train one/);

    assert.deepEqual((await models(page)).map(({ inUse }) => inUse), [false, true]);
    for (const _ of ["asked", "sure"]) await page.click("#models li:nth-child(2) button");
    await page.waitForFunction(() => document.getElementById("model-line").textContent === "The detector is ready");
    await page.waitForFunction(() => document.querySelectorAll("#models li").length === 1);
    assert.deepEqual((await models(page)).map(({ inUse }) => inUse), [true]);
    const left = await page.evaluate(async () => {
      const names = [];
      for await (const name of (await (await navigator.storage.getDirectory()).getDirectoryHandle("packs")).keys()) names.push(name);
      return names.filter((name) => !name.endsWith(".etag"));
    });
    assert.deepEqual(left, [site.sha256]);
    assert.equal(hubRequests().length, 0);
    assert.deepEqual(errors, []);
  });
}

test("the hub is asked when the person asks, and a connection that breaks goes on where it broke", async () => {
  const { page } = await start("chromium");
  assert.equal(hubRequests().length, 0);
  Object.assign(server.faults, { cutAfter: 1_000_000, delay: 5 });
  await fromHub(page, "maker/clip-small");
  await page.waitForSelector("#use-model");
  const ranges = hubRequests().filter(({ path, method }) => path.endsWith("model.safetensors") && method === "GET").map(({ range }) => range);
  assert.ok(ranges.includes("bytes=0-15"), String(ranges)); // the header first
  assert.match(ranges.at(-1), /^bytes=[1-9]\d+-2999999$/);
  assert.match(await text(page, "#adding-line"), /clip-small/);
});

test("cancelled, it keeps what has arrived and goes on from there; it can be thrown away", async () => {
  const { page } = await start("chromium", { delay: 30 });
  await fromHub(page, "maker/clip-small");
  await page.waitForFunction(() => document.getElementById("adding-progress")?.value > 1_000_000);
  assert.match(await text(page, "#adding-line"), /Adding the model: [12] of 3 MB/);
  await page.click("#cancel-adding");
  await page.waitForSelector(".adding .problem");
  assert.match(await text(page, ".adding .problem"), /What has arrived is kept/);
  await page.reload();
  await ready(page);
  await openPanel(page);
  assert.match(await text(page, "#models"), /not finished takes [12]\.\d MB/);
  server.log.length = 0;
  server.faults.delay = 0;
  await fromHub(page, "maker/clip-small");
  await page.waitForSelector("#use-model");
  const from = hubRequests().filter(({ path, range }) => path.endsWith("model.safetensors") && range !== null).map(({ range }) => Number(/bytes=(\d+)-/.exec(range)[1]));
  assert.ok(from.at(-1) >= 1_000_000, String(from));
  await page.keyboard.press("Escape");

  server.faults.delay = 30;
  await dialogue(page);
  await page.click("#model-int8"); // another conversion
  await page.type("#model-hub", "maker/clip-small");
  await page.click("#fetch-model");
  await page.waitForFunction(() => document.getElementById("adding-progress")?.value > 500_000);
  await page.click("#cancel-adding");
  await page.waitForSelector(".adding .problem");
  await page.keyboard.press("Escape");
  await openPanel(page);
  await page.waitForSelector("#drop-unfinished");
  await page.click("#drop-unfinished");
  await page.waitForFunction(() => document.getElementById("drop-unfinished") === null);
});

test("what cannot be used is said, and nothing of it is kept", async () => {
  const { page } = await start("chromium");
  const attempts = [
    [[join(files, "config.json"), join(files, "bad/model.safetensors")], /The tensor x holds a value that is not a finite number/],
    [[join(files, "model.safetensors")], /There is no config\.json/],
    [[join(files, "config.json")], /Choose config\.json with one \.safetensors file/],
  ];
  for (const [paths, words] of attempts) {
    await fromFiles(page, ...paths);
    await page.waitForSelector(".adding .problem");
    assert.match(await text(page, ".adding .problem"), words);
    await page.keyboard.press("Escape");
  }
  await fromHub(page, "maker/another");
  await page.waitForSelector(".adding .problem");
  assert.match(await text(page, ".adding .problem"), /There is no config\.json/);
  await page.keyboard.press("Escape");
  await fromHub(page, "not an id");
  await page.waitForSelector(".adding .problem");
  assert.match(await text(page, ".adding .problem"), /OWNER\/NAME/);
  await page.keyboard.press("Escape");
  await openPanel(page);
  assert.equal((await models(page)).length, 1);
  assert.equal(await page.$("#drop-unfinished"), null);
});

test("the page may ask the hub and nobody else", async () => {
  const { page } = await start("chromium");
  const blocked = (url) => page.evaluate(async (url) => {
    const heard = new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective), { once: true });
      setTimeout(() => resolve("allowed"), 1_500);
    });
    await fetch(url, { mode: "no-cors" }).catch(() => undefined);
    return heard;
  }, url);
  assert.equal(await blocked("https://example.org/"), "connect-src");
  assert.equal(await blocked("https://huggingface.co.example.org/"), "connect-src");
  assert.equal(await blocked("http://127.0.0.1:9/"), "connect-src");
  // The hub, and where it sends a browser for large files (its .well-known/meta.json), are not stopped by the policy.
  assert.equal(await blocked("https://huggingface.co/"), "allowed");
  assert.equal(await blocked("https://cdn-lfs.hf.co/"), "allowed");
});
