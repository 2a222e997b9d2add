// The pack in the browser: resumed, verified, kept, replaced, and the page without a network.
import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite, PACK_BYTES } from "./fake/site.mjs";
import { steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";

let site, server, browser;

before(async () => {
  site = await buildFakeSite();
});
afterEach(async () => {
  await browser?.close();
  await server?.close();
});

async function start(name, faults) {
  server = await startServer(site.folder, faults);
  browser = await launch(name);
}

const packRequests = () => server.log.filter(({ path }) => path.endsWith("model.safetensors"));

for (const name of ["chromium", "firefox"]) {
  test(`${name}: a broken download goes on where it broke, and is kept`, async () => {
    await start(name, { cutAfter: 2_000_000, delay: 5 });
    const { page, errors } = await openPage(browser, server.url);
    await ready(page);
    const [first, second] = packRequests();
    assert.equal(first.range, null);
    assert.match(second.range, /^bytes=\d+-$/);
    assert.ok(Number(second.range.slice(6, -1)) > 0);
    assert.equal(second.status, 206);
    assert.deepEqual(errors.filter((text) => !text.includes("net::ERR")), []);

    server.log.length = 0;
    await page.reload();
    await ready(page);
    assert.equal(packRequests().length, 0);
  });

  test(`${name}: leaving in the middle of the download loses nothing`, async () => {
    await start(name, { delay: 40 });
    const { page } = await openPage(browser, server.url);
    await page.waitForFunction(() => document.getElementById("model-progress").value > 1_500_000);
    assert.match(await page.$eval("#model-line", (line) => line.textContent), /Downloading the detector: \d\.\d of 6\.0 MB/);
    await page.reload();
    server.faults.delay = 0;
    await ready(page);
    const from = Number(/bytes=(\d+)-/.exec(packRequests().at(-1).range)?.[1]);
    assert.ok(from > 1_000_000 && from < PACK_BYTES, String(from));
  });

  test(`${name}: a damaged pack is found by its hash and downloaded again`, async () => {
    await start(name);
    const { page } = await openPage(browser, server.url);
    await ready(page);
    await damage(page, site.sha256);
    server.log.length = 0;
    await page.reload();
    await ready(page);
    assert.equal(packRequests().length, 1);
    assert.match(await page.$eval("#notices", (list) => list.textContent), /damaged and has been downloaded again/);
  });

  test(`${name}: without a network the page checks pictures`, async () => {
    await start(name);
    const { page } = await openPage(browser, server.url);
    await ready(page);
    await page.evaluate(async () => void (await navigator.serviceWorker.ready));
    const { url } = server;
    await server.close();
    await page.goto(`${url}?device=cpu`);
    assert.equal(await ready(page), "CPU");
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
    await pick(page, steered("offline.jpg", "p=0.8"));
    const [card] = await settled(page, 1);
    assert.equal(card.label, "generated");
  });
}

test("a server that ignores Range is read from the start", async () => {
  await start("chromium", { cutAfter: 2_000_000, delay: 5, ignoreRange: true });
  const { page } = await openPage(browser, server.url);
  await ready(page);
  assert.deepEqual(packRequests().map(({ status }) => status), [200, 200, 200]);
});

test("two tabs at once download it once", async () => {
  await start("chromium", { delay: 10 });
  const tabs = await Promise.all([openPage(browser, server.url), openPage(browser, server.url)]);
  await Promise.all(tabs.map(({ page }) => ready(page)));
  assert.equal(packRequests().length, 1);
});

test("no connection: a sentence, a button, and then it works", async () => {
  await start("chromium", { cutAfter: 1_000_000 });
  const { page } = await openPage(browser, server.url);
  // Every attempt to resume breaks as well, until the tries are used up.
  const again = setInterval(() => (server.faults.cutAfter = 1), 5);
  await page.waitForFunction(() => document.getElementById("model").dataset.phase === "failed", { timeout: 60_000 });
  clearInterval(again);
  delete server.faults.cutAfter;
  assert.match(await page.$eval("#model-line", (line) => line.textContent), /Check the connection and try again; what has arrived is kept/);
  await pick(page, steered("early.jpg", "p=0.8"));
  await page.click("#retry");
  await ready(page);
  const [card] = await settled(page, 1);
  assert.equal(card.label, "generated");
});

test("a new version waits for the person, then is taken", async () => {
  await start("chromium");
  const { page } = await openPage(browser, server.url);
  await ready(page);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await page.reload();
  await ready(page);
  assert.equal(await page.$eval("#update", (bar) => bar.hidden), true);
  await buildFakeSite({ version: 2 });
  await page.reload();
  await page.waitForFunction(() => !document.getElementById("update").hidden);
  assert.equal(await page.$("meta[name=test-version]"), null);
  await Promise.all([page.waitForNavigation(), page.click("#update-now")]);
  await page.waitForSelector("meta[name=test-version]");
  site = await buildFakeSite();
});

/** Overwrites bytes in the middle of the stored pack. */
async function damage(page, sha256) {
  await page.evaluate(async (sha256) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("packs");
    const file = await folder.getFileHandle(sha256);
    const writable = await file.createWritable({ keepExistingData: true });
    await writable.write({ type: "write", position: 3_000_000, data: new Uint8Array(1000).fill(7) });
    await writable.close();
  }, sha256);
}
