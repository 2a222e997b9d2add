// The page with a fake detector that fails: nothing that waits is lost, and the page says what happened.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cards, launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { bad, hills, steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";

let server, browser, page, errors;

before(async () => {
  server = await startServer((await buildFakeSite()).folder);
  browser = await launch("chromium");
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function fresh(search = "") {
  await page?.close();
  ({ page, errors } = await openPage(browser, `${server.url}${search}`));
  await ready(page);
}

const named = (shown, name) => shown.find((card) => card.name === name);

for (const words of ["lose-gpu", "crash-gpu"]) {
  test(`${words}: the picture ends on the CPU, the others go on`, async () => {
    await fresh();
    await pick(page, steered("before.jpg", "p=0.9"), steered("failing.jpg", words), steered("after.jpg", "p=0.1"));
    const shown = await settled(page, 3);
    assert.deepEqual(shown.map(({ state }) => state), ["done", "done", "done"]);
    assert.match(named(shown, "failing.jpg").facts, /· CPU ·.*GPU failed twice, so the CPU is used/);
    assert.equal(await page.$eval("#device-line", (line) => line.textContent), "CPU");
    assert.match(await page.$eval("#notices", (list) => list.textContent), /the CPU is used from here on/);
    assert.deepEqual(errors, []);
  });
}

test("a thread that is lost changes the line of the device, and the page says so once", async () => {
  await fresh("?device=cpu");
  await pick(page, steered("before.jpg", "p=0.9"));
  await settled(page, 1);
  assert.equal(await page.$eval("#device-line", (line) => line.textContent), "CPU");
  await pick(page, steered("losing.jpg", "lose-helper"), steered("after.jpg", "p=0.1"));
  const shown = await settled(page, 3);
  for (const name of ["losing.jpg", "after.jpg"]) assert.match(named(shown, name).facts, /CPU · WebAssembly SIMD, 1 thread ·/);
  assert.equal(await page.$eval("#device-line", (line) => line.textContent), "CPU · WebAssembly SIMD, 1 thread");
  assert.match(await page.$eval("#device-detail", (detail) => detail.textContent), /In use: CPU · WebAssembly SIMD, 1 thread/);
  assert.deepEqual(await page.$$eval("#notices li", (all) => all.map((item) => item.textContent)), ["A thread of the detector stopped answering, so a single one computes from here on, and checks take longer."]);
  assert.deepEqual(errors, []);
});

test("a picture that panics everywhere fails alone", async () => {
  await fresh();
  await pick(page, steered("poison.jpg", "crash"), steered("good.jpg", "p=0.5"));
  const shown = await settled(page, 2);
  assert.equal(named(shown, "poison.jpg").code, "worker-crashed");
  assert.equal(named(shown, "good.jpg").label, "unsure");
});

test("cancelling one that yields is quick and keeps the worker", async () => {
  await fresh();
  await pick(page, steered("slow.jpg", "slow"), steered("next.jpg", "p=0.2"));
  await page.waitForSelector('.card[data-state="checking"]');
  await page.click('.card[data-state="checking"] .cancel');
  const shown = await settled(page, 2, 5_000);
  assert.equal(named(shown, "slow.jpg").code, "cancelled");
  assert.equal(named(shown, "next.jpg").label, "real");
});

for (const words of ["hang-gpu", "busy"]) {
  test(`cancelling one that never listens (${words}) replaces the worker`, async () => {
    await fresh();
    await pick(page, steered("stuck.jpg", words), steered("next.jpg", "p=0.2"));
    await page.waitForSelector('.card[data-state="reading"], .card[data-state="checking"]');
    const start = Date.now();
    await page.$$eval(".card", (all) => all.find((card) => card.textContent.includes("stuck")).querySelector(".cancel").click());
    const shown = await settled(page, 2, 10_000);
    assert.ok(Date.now() - start < 8_000);
    assert.equal(named(shown, "stuck.jpg").code, "cancelled");
    assert.equal(named(shown, "next.jpg").label, "real");
  });
}

test("a stopped picture can be checked again, and removing one that runs stops it", async () => {
  await fresh();
  await pick(page, steered("slow.jpg", "slow"));
  await page.waitForSelector('.card[data-state="checking"]');
  await page.click(".card .cancel");
  await page.waitForSelector('.card[data-state="failed"]');
  await page.click(".card .again");
  await page.waitForSelector('.card[data-state="checking"]');
  await page.click(".card .remove");
  await pick(page, steered("next.jpg", "p=0.9"));
  const [card] = await settled(page, 1, 5_000);
  assert.equal(card.label, "generated");
});

test("choosing another device keeps what waits and what runs", async () => {
  await fresh();
  await pick(page, steered("slow.jpg", "slow"), steered("next.jpg", "p=0.9"));
  await page.waitForSelector('.card[data-state="checking"]');
  await page.click("#device summary");
  await page.click('input[value="cpu"]');
  const shown = await settled(page, 2, 15_000);
  for (const card of shown) assert.match(card.facts, /· CPU ·/);
});

test("bad files get a sentence each, the others a verdict; AVIF is decoded by the browser", async () => {
  await fresh();
  await pick(page, bad.empty(), bad.text(), hills.avif, hills.png);
  const shown = await settled(page, 4);
  assert.match(named(shown, "empty.jpg").worth, /This file is empty/);
  assert.match(named(shown, "letter.jpg").worth, /not a picture that can be read/);
  assert.match(named(shown, "hills.avif").meta, /160 × 120 · AVIF/);
  assert.equal(named(shown, "hills.png").state, "done");
  assert.equal((await cards(page)).length, 4);
});
