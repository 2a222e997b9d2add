// Models that a person adds, with the fake conversion: from files, from this site and from a hub, cancelled,
// interrupted, refused, used, deleted; with a tokenizer of their own, and with a hash.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { look } from "./look.mjs";
import { steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";

const HUB = "/models/hub/maker/clip-small/resolve/main/";
/** The hub's listing of another model, which names a commit and hashes. */
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
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
  const sha256 = createHash("sha256").update(weights).digest("hex");
  await putListed("listed", weights, sha256);
  await putListed("exchanged", Buffer.alloc(BYTES, 8), sha256);
  const own = join(site.folder, "models/own");
  await mkdir(own, { recursive: true });
  await writeFile(join(own, "config.json"), JSON.stringify({ model_type: "clip" }));
  await writeFile(join(own, "model.safetensors"), Buffer.alloc(BYTES, 9));
  await writeFile(join(own, "tokenizer.json"), JSON.stringify({ tokens: 40 }));
  await writeFile(join(files, "tokenizer.json"), JSON.stringify({ tokens: 49_408 }));
  await mkdir(join(files, "bad"), { recursive: true });
  weights[2_000_000] = 0xff;
  await writeFile(join(files, "bad/model.safetensors"), weights);
});

/** A model that the hub lists, with this hash. */
async function putListed(name, weights, sha256) {
  const hub = join(site.folder, "models/hub");
  const [listing, folder] = [join(hub, `api/models/maker/${name}/revision`), join(hub, `maker/${name}/resolve/${COMMIT}`)];
  for (const path of [listing, folder]) await mkdir(path, { recursive: true });
  const siblings = [{ rfilename: "config.json" }, { rfilename: "model.safetensors", lfs: { sha256, size: BYTES } }];
  await writeFile(join(listing, "main"), JSON.stringify({ sha: COMMIT, siblings }));
  await writeFile(join(folder, "config.json"), JSON.stringify({ model_type: "clip" }));
  await writeFile(join(folder, "model.safetensors"), weights);
}

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
  await (await page.waitForSelector("#add-files")).click();
}

async function fromHub(page, id) {
  await dialogue(page);
  await page.type("#model-hub", id);
  await page.click("#fetch-model");
}

async function fromSite(page, folder) {
  await dialogue(page);
  await page.type("#model-site", folder);
  await page.keyboard.press("Enter");
}

/** What is on the shelves of OPFS. */
const kept = (page) =>
  page.evaluate(async () => {
    const names = [];
    for await (const name of (await (await navigator.storage.getDirectory()).getDirectoryHandle("packs")).keys()) names.push(name);
    return names.filter((name) => !name.endsWith(".etag")).sort();
  });

/** Presses “Delete” and “Delete for good?” of the added model; the list is drawn anew now and then, which takes the question back. */
async function dropSecond(page) {
  await page.waitForSelector("#models li:nth-child(2) button");
  await page.waitForFunction(
    () => {
      document.querySelector("#models li:nth-child(2) button")?.click();
      return document.querySelectorAll("#models li").length === 1;
    },
    { polling: 200 },
  );
}

/** The list is told of a deletion before its last file is gone. */
async function keepsOnly(page, ...names) {
  for (const end = Date.now() + 10_000; String(await kept(page)) !== String(names) && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(await kept(page), names);
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
    assert.match(await text(page, "dialog.adding"), /gives no SHA-256, so whether this is what was published was not checked/);
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
    await dropSecond(page);
    await page.waitForFunction(() => document.getElementById("model-line").textContent === "The detector is ready");
    assert.deepEqual((await models(page)).map(({ inUse }) => inUse), [true]);
    await keepsOnly(page, site.sha256);
    assert.equal(hubRequests().length, 0);
    assert.deepEqual(errors, []);
  });
}

for (const name of ["chromium", "firefox"]) {
  test(`${name}: from this site, with a tokenizer of its own, which is kept and deleted with it`, async () => {
    const { page, errors } = await start(name);
    await fromSite(page, "/models/own");
    await page.waitForSelector("#use-model");
    assert.match(await text(page, "#adding-line"), /“own” is in this browser/);
    const tokenizer = createHash("sha256").update(JSON.stringify({ tokens: 40 })).digest("hex");
    assert.ok((await kept(page)).includes(tokenizer));
    await page.click("#use-model");
    await page.waitForFunction(() => document.getElementById("model-line").textContent === "This model has no head yet");
    await openPanel(page);
    await dropSecond(page);
    await keepsOnly(page, site.sha256);

    await fromSite(page, "https://example.org/models/");
    await page.waitForSelector(".adding .problem");
    assert.match(await text(page, ".adding .problem"), /not on this site/);
    assert.deepEqual(errors, []);
  });
}

test("a hub that lists its files: one commit, and their SHA-256 is compared", async () => {
  const { page } = await start("chromium");
  await fromHub(page, "maker/listed");
  await page.waitForSelector("#use-model");
  assert.match(await text(page, "dialog.adding"), /have the SHA-256 that their source gives/);
  assert.ok(hubRequests().filter(({ path }) => path.includes("/resolve/")).every(({ path }) => path.includes(COMMIT)));
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector("dialog") === null);
  await fromHub(page, "maker/exchanged");
  await page.waitForSelector(".adding .problem");
  assert.match(await text(page, ".adding .problem"), /its SHA-256 is another. Nothing of it is kept/);
  assert.equal((await kept(page)).some((name) => name.startsWith("adding-")), false);
});

test("a tokenizer of another model is refused in a sentence", async () => {
  const { page } = await start("chromium");
  await fromFiles(page, join(files, "config.json"), join(files, "model.safetensors"), join(files, "tokenizer.json"));
  await page.waitForSelector(".adding .problem");
  assert.match(await text(page, ".adding .problem"), /knows 49408 tokens and the model's text tower 40: they do not belong together\. Its tokenizer\.json is not this model’s own/);
  assert.deepEqual(await kept(page), [site.sha256]);
});

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

test("a second tab waits for the first and says so; a model from files is given a name; how the dialogue and the panel look", async () => {
  const artifacts = fileURLToPath(new URL("../artifacts/", import.meta.url));
  await mkdir(artifacts, { recursive: true });
  const { page, errors } = await start("chromium", { delay: 60 });
  await fromHub(page, "maker/clip-small");
  await page.waitForFunction(() => document.getElementById("adding-progress")?.value > 500_000);
  const second = await openPage(browser, server.url);
  await ready(second.page);
  await openPanel(second.page);
  assert.equal(await second.page.$("#drop-unfinished"), null); // it is being added
  await fromHub(second.page, "maker/clip-small");
  await second.page.waitForFunction(() => /Another tab is adding this model/.test(document.getElementById("adding-line")?.textContent));
  await second.page.close();
  await page.bringToFront();
  await page.click("#cancel-adding");
  await page.waitForSelector(".adding .problem");
  const faults = await look(page, artifacts, "adding");
  const named = join(files, "named");
  await mkdir(named, { recursive: true });
  await writeFile(join(named, "config.json"), JSON.stringify({ model_type: "clip", _name_or_path: "maker/street-clip" }));
  await (await page.$("#model-files")).uploadFile(join(named, "config.json"), join(files, "model.safetensors"));
  await page.waitForSelector("#model-name");
  assert.equal(await page.$eval("#model-name", (field) => field.value), "street-clip");
  faults.push(...(await look(page, artifacts, "adding-name")));
  await page.type("#model-name", "Street pictures"); // over what is selected
  await page.keyboard.press("Enter");
  await page.waitForSelector("#use-model");
  assert.match(await text(page, "#adding-line"), /“Street pictures” is in this browser/);
  faults.push(...(await look(page, artifacts, "adding-done")));
  await page.keyboard.press("Escape");
  await openPanel(page);
  await page.waitForSelector("#drop-unfinished");
  assert.match((await models(page))[1].words, /^\s*Street pictures 3\.0 MB/);
  faults.push(...(await look(page, artifacts, "panel")));
  assert.deepEqual(faults, []);
  assert.deepEqual(errors, []);
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
