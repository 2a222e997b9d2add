// Every screen of training: screenshots in light and dark, wide and narrow, without a fault that a program can find; and the keyboard.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { makeFolder } from "./folders.mjs";
import { look } from "./look.mjs";
import { bad, steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { chooseFolder, finished, toAudit } from "./training.mjs";

const artifacts = fileURLToPath(new URL("../artifacts/", import.meta.url));
const FOLDERS = ["real/agency", "real/phone", "generated/flux", "generated/midjourney", "holiday in the mountains/with a long name that does not end"];
let server, browser, page, errors;

before(async () => {
  mkdirSync(artifacts, { recursive: true });
  server = await startServer((await buildFakeSite()).folder);
  browser = await launch("chromium");
  ({ page, errors } = await openPage(browser, `${server.url}#train`));
  await ready(page);
  page.setDefaultTimeout(30_000);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A picture's path, not the folder's name, steers the fake trainer. */
const SLOW = FOLDERS.map((folder) => (folder === "real/phone" ? "real/phone slow-epochs" : folder));

const newsroom = (name, extra = {}, folders = FOLDERS) =>
  makeFolder(name, {
    folders,
    each: 30,
    others: { "notes.txt": Buffer.from("notes"), "real/agency/broken.jpg": Buffer.from("not a picture") },
    words: { "real/agency/0000.jpg": "near=aaaaaaaaaaaaaaaa", "generated/flux/0000.jpg": "near=aaaaaaaaaaaaaaaa", ...extra },
  });

test("every screen, one after another", async () => {
  const faults = [];
  await page.waitForSelector(".intake");
  faults.push(...(await look(page, artifacts, "train-1-folder")));
  await chooseFolder(page, newsroom("slow-epochs", {}, SLOW));
  await page.waitForSelector(".labels");
  faults.push(...(await look(page, artifacts, "train-2-labels")));
  await toAudit(page);
  await page.$$eval("details", (all) => all.forEach((details) => details.closest(".stage") && (details.open = true)));
  faults.push(...(await look(page, artifacts, "train-3-audit")));
  await page.click("#train");
  await page.waitForFunction(() => /part 2 of 3: epoch [6-9] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
  await page.click(".pause");
  await page.waitForFunction(() => /Paused/.test(document.querySelector(".pass-line").textContent));
  faults.push(...(await look(page, artifacts, "train-4-epochs")));
  await page.click(".pause");
  await page.waitForSelector("#stop-early:not([hidden])");
  await page.click("#stop-early");
  await finished(page);
  await page.click(".report .use");
  await page.waitForSelector(".head[data-in-use]");
  faults.push(...(await look(page, artifacts, "train-5-report")));
  assert.deepEqual(faults, []);
  assert.deepEqual(errors, []);
});

test("features under way, two heads compared, and the check page with an own head", async () => {
  const faults = [];
  await page.click(".report .go button");
  const slow = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`generated/midjourney/${String(index).padStart(4, "0")}.jpg`, "slow"]));
  await chooseFolder(page, newsroom("agency pictures", slow));
  await toAudit(page);
  await page.click("#train");
  await page.waitForFunction(() => /left$/.test(document.querySelector(".pass-left").textContent), { polling: 50 });
  await page.click(".pause");
  faults.push(...(await look(page, artifacts, "train-4-features")));
  await page.click(".pause");
  await page.waitForSelector(".report", { timeout: 90_000 });
  await page.click(".report .go button");
  for (const box of await page.$$(".compare input")) await box.click();
  await page.waitForSelector(".comparison");
  faults.push(...(await look(page, artifacts, "train-6-heads")));
  await page.evaluate(() => (location.hash = "#check"));
  await pick(page, steered("agency-portrait-2026-11-23-final.jpg", "p=0.93"), bad.text(), steered("running.jpg", "slow"), steered("next.jpg", "slow"));
  await page.waitForFunction(() => document.querySelectorAll(".card")[2]?.dataset.state === "checking", { polling: 50 });
  faults.push(...(await look(page, artifacts, "check-own-head")));
  assert.deepEqual(faults, []);
});

test("what stands in the way of a training, and what can be deleted", async () => {
  const faults = [];
  await page.reload();
  await ready(page);
  await pick(page, steered("archive.jpg", "p=0.93"));
  await settled(page, 1);
  await page.click(".card .correction button");
  await page.waitForFunction(() => /Noted as real/.test(document.querySelector(".correction").innerText));
  await page.evaluate(() => (location.hash = "#train"));
  await chooseFolder(page, newsroom("slow-epochs", {}, SLOW));
  await toAudit(page);
  await page.click("#train");
  await page.waitForFunction(() => /epoch [3-9] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
  faults.push(...(await look(page, artifacts, "train-4-running")));
  await page.reload();
  await ready(page);
  await chooseFolder(page, newsroom("agency pictures"));
  await toAudit(page);
  await page.click("#equalise");
  await page.waitForSelector("#left-out:not([hidden])");
  await page.click("#train");
  await page.waitForSelector(".unfinished");
  faults.push(...(await look(page, artifacts, "train-3-unfinished")));
  await page.click(".unfinished .throw-away");
  await page.waitForSelector(".report", { timeout: 90_000 });
  await page.click(".report .go button");
  await page.waitForSelector("#delete-features");
  await page.click("#delete-features");
  faults.push(...(await look(page, artifacts, "train-6-features")));
  assert.deepEqual(faults, []);
});

test("from the folder to training with the keyboard alone", async () => {
  await page.reload();
  await ready(page);
  await page.evaluate(() => (location.hash = "#train"));
  await page.waitForSelector("#pick-folder");
  await chooseFolder(page, makeFolder("keys", { folders: ["real", "holiday"], each: 12 }));
  await page.waitForSelector(".labels");
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim().slice(0, 40) || document.activeElement.value);
  assert.equal(await focused(), "What do the folders hold?");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest("fieldset").dataset.folder), "holiday");
  await page.keyboard.press("ArrowRight"); // an empty group: the second of three
  await page.waitForFunction(() => !document.getElementById("labels-next").disabled);
  await page.focus("#labels-next");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#train");
  assert.match(await focused(), /^Before training/);
  await page.focus("#equalise");
  await page.keyboard.press("Space");
  assert.equal(await page.$eval("#equalise", (input) => input.checked), true);
  await page.focus("#train");
  await page.keyboard.press("Enter");
  await finished(page);
  assert.equal(await focused(), "keys");
});
