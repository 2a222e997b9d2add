// A training under way and the heads it leaves, with the fake detector in Chromium: pause, stop, what is lost, where it computes.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { cards, launch, openPage, pick, ready, settled } from "./browser.mjs";
import { headFile } from "./fake/heads.js";
import { buildFakeSite } from "./fake/site.mjs";
import { makeFolder } from "./folders.mjs";
import { steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { chooseFolder, finished, FOLDERS, heads, stage, studio, toAudit } from "./training.mjs";

let server;
before(async () => {
  server = await startServer((await buildFakeSite()).folder);
});
after(() => server?.close());

test("pause, go on, cancel", async () => {
  const { browser, page } = await studio(server, "chromium");
  const words = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`real/agency/${String(index).padStart(4, "0")}.jpg`, "slow"]));
  await chooseFolder(page, makeFolder("pausing", { folders: FOLDERS.slice(0, 4), each: 12, words }));
  await toAudit(page);
  await page.click("#train");
  await page.waitForFunction(() => /Features: 2[5-9] of 48/.test(document.querySelector(".pass-line").textContent), { polling: 20 });
  await page.click(".pause");
  assert.match(await stage(page), /Paused/);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const held = await page.$eval(".pass-line", (line) => line.textContent);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  assert.equal(await page.$eval(".pass-line", (line) => line.textContent), held);
  await page.click(".pause");
  await page.waitForFunction((held) => document.querySelector(".pass-line").textContent !== held, {}, held);
  const start = Date.now();
  await page.click(".pass .cancel");
  await page.waitForSelector("#train");
  assert.ok(Date.now() - start < 2_000);
  await browser.close();
});

test("stopping early, while a picture is checked between epochs", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  await chooseFolder(page, makeFolder("early", { folders: ["real/slow-epochs", ...FOLDERS.slice(1, 4)], each: 12 }));
  await toAudit(page);
  await page.click("#train");
  await page.waitForFunction(() => /part 1 of 3: epoch [3-6] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
  await page.click("#stop-early");
  await page.evaluate(() => (location.hash = "#check"));
  await pick(page, steered("meanwhile.jpg", "p=0.9"));
  assert.equal((await settled(page, 1))[0].label, "generated");
  await page.evaluate(() => (location.hash = "#train"));
  assert.match(await finished(page), /Training was stopped early/);
  assert.deepEqual(errors, []);
  await browser.close();
});

test("a head that ends where the folds were best says so, on the scale of the folds", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  await chooseFolder(page, makeFolder("best", { folders: ["real/best-early slow-epochs", ...FOLDERS.slice(1, 4)], each: 12 }));
  await toAudit(page);
  await page.click("#train");
  await page.waitForFunction(() => /The head itself: epoch [3-6] of 7/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50, timeout: 60_000 });
  const seen = await page.evaluate(() => {
    const bar = document.querySelector(".pass progress");
    const labels = [...document.querySelectorAll(".plots svg text")].map((text) => text.textContent);
    return { part: bar.value / bar.max, labels };
  });
  assert.ok(seen.part > 0.8 && seen.part < 1, `${seen.part}`); // 36 epochs of folds, and 3 to 6 of 7
  assert.ok(seen.labels.includes("12"), seen.labels.join(" "));
  assert.match(await finished(page), /told apart best after 7 of 12 epochs/);
  assert.deepEqual(errors, []);
  await browser.close();
});

test("a worker that is lost in training is replaced, and training ends on the CPU", async () => {
  const { browser, page } = await studio(server, "chromium");
  await chooseFolder(page, makeFolder("lose", { folders: ["real/lose-training", ...FOLDERS.slice(1, 4)], each: 12 }));
  await toAudit(page);
  await page.click("#train");
  await finished(page);
  assert.equal(await page.$eval("#device-line", (line) => line.textContent), "CPU");
  await browser.close();
});

test("the page says where it trains, and why on a GPU that cannot", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  // The names of the pictures steer the fake trainer.
  for (const [source, says] of [
    ["slow-epochs", "Training runs on the GPU: Imagined Graphics 9000."],
    ["slow-epochs no-timestamps", "Training runs on the processor: the GPU lacks timestamp-query, which the tensor library needs for training."],
  ]) {
    await chooseFolder(page, makeFolder("where", { folders: [`real/${source}`, "generated/flux"], each: 12 }));
    await toAudit(page);
    await page.click("#train");
    await page.waitForFunction(() => /epoch [3-9] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
    assert.equal(await page.$eval(".where", (line) => line.textContent), says);
    assert.equal(await page.$eval("#device-line", (line) => line.textContent), "GPU · Imagined Graphics 9000"); // pictures are checked there
    await page.click(".pass .quiet"); // discards it
    await page.waitForSelector("#folder");
  }
  assert.deepEqual(errors, []);
  await browser.close();
});

/** A training that is under way, of some 300 ms an epoch: a picture's path steers the fake trainer. */
async function begun(page, epochs = "") {
  await chooseFolder(page, makeFolder("slow-epochs", { folders: ["real/slow-epochs", ...FOLDERS.slice(1, 4)], each: 12 }));
  await toAudit(page);
  await page.$eval(".parts input[type=number]", (input, epochs) => (input.value = epochs), epochs);
  await page.click("#train");
  await page.waitForFunction(() => /epoch [3-9] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
}

test("an unfinished training is thrown away on request only", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  await begun(page);
  await page.reload();
  await ready(page);
  const another = makeFolder("another", { folders: FOLDERS.slice(0, 4), each: 12 });
  await chooseFolder(page, another);
  await toAudit(page);
  await page.click("#train");
  await page.waitForSelector(".start .unfinished");
  assert.match(await page.$eval(".unfinished", (panel) => panel.innerText), /“slow-epochs” is not finished/);
  await page.click(".unfinished .primary");
  await page.waitForFunction(() => /epoch [4-9] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
  await page.reload();
  await ready(page);
  await chooseFolder(page, another);
  await toAudit(page);
  await page.click("#train");
  await (await page.waitForSelector(".unfinished .throw-away")).click();
  await finished(page);
  assert.deepEqual((await heads(page)).map(({ name }) => name), ["another"]);
  await page.click(".report .go button");
  await page.waitForSelector(".intake");
  assert.equal(await page.$(".unfinished"), null);
  assert.deepEqual(errors, []);
  await browser.close();
});

test("one tab trains at a time, and the other says so", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  const { page: other } = await openPage(browser, `${server.url}#train`);
  await ready(other);
  await chooseFolder(other, makeFolder("another", { folders: FOLDERS.slice(0, 4), each: 12 }));
  await toAudit(other);
  await page.bringToFront();
  await begun(page, "60");
  await other.bringToFront();
  await other.click("#train");
  await other.waitForFunction(() => /Another tab of this browser is training.*finished or is paused/.test(document.querySelector(".start").innerText));
  await other.reload();
  await ready(other);
  await other.waitForSelector(".unfinished");
  await other.waitForFunction(() => /Another tab is training/.test(document.querySelector(".unfinished").innerText));
  assert.equal(await other.$eval(".unfinished .throw-away", (button) => button.checkVisibility()), false);
  await page.bringToFront();
  await page.click(".pause");
  await page.waitForFunction(() => /Paused/.test(document.querySelector(".pass-line").textContent));
  await other.waitForFunction(() => document.querySelector(".unfinished .throw-away").checkVisibility());
  await page.click(".pause"); // goes on
  await page.waitForFunction(() => /epoch/.test(document.querySelector(".pass-line")?.textContent ?? ""));
  await other.bringToFront();
  await other.click(".unfinished .throw-away"); // its choice was offered while nobody trained
  await other.waitForFunction(() => /Another tab of this browser is training/.test(document.querySelector(".unfinished").innerText));
  await page.bringToFront();
  await page.click(".pass .quiet"); // discards it
  await page.waitForSelector(".intake");
  await other.bringToFront();
  await other.click(".unfinished .primary"); // there is nothing to go on with any more
  await other.waitForFunction(() => document.querySelector(".unfinished") === null);
  assert.deepEqual(errors, []);
  await browser.close();
});

test("a training goes on with the features it was begun with, whatever head is in use by then", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  await begun(page);
  await page.reload();
  await ready(page);
  const file = fileURLToPath(new URL("../artifacts/other.safetensors", import.meta.url));
  writeFileSync(file, headFile({ id: "other", name: "other", date: "2026-11-24", spec: "6" }));
  await (await page.$("#head-file")).uploadFile(file);
  await (await page.waitForSelector(".head .use")).click();
  await page.waitForSelector(".head[data-in-use]");
  await page.click(".waiting .primary");
  await page.waitForFunction(() => /epoch [4-9] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
  await page.click("#stop-early");
  await finished(page);
  assert.deepEqual(errors, []);
  await browser.close();
});

test("heads are renamed and compared", async () => {
  const { browser, page } = await studio(server, "chromium");
  for (const name of ["first", "second"]) {
    await chooseFolder(page, makeFolder(name, { folders: FOLDERS.slice(0, 4), each: name === "first" ? 12 : 13 }));
    await toAudit(page);
    await page.click("#train");
    await finished(page);
    await page.click(".report .go button");
  }
  await page.click(".head:first-child .rename");
  await page.keyboard.type("Renamed");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".head h3").firstChild.textContent === "Renamed");
  for (const box of await page.$$(".compare input")) await box.click();
  await page.waitForSelector(".comparison");
  assert.match(await page.$eval(".comparison", (element) => element.innerText), /Renamed and first/);
  assert.match(await page.$eval(".comparison", (element) => element.innerText), /intervals overlap.*own pictures/s);
  await browser.close();
});

test("the check page loads nothing of training", async () => {
  server.log.length = 0;
  const browser = await launch("chromium");
  const { page } = await openPage(browser, server.url);
  await ready(page);
  await pick(page, steered("plain.jpg", "p=0.1"));
  await settled(page, 1);
  assert.equal((await cards(page))[0].label, "real");
  const loaded = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name.slice(name.lastIndexOf("/") + 1)));
  assert.deepEqual(loaded.filter((name) => name === "train.css"), []);
  await browser.close();
});
