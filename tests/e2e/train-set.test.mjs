// What a head is trained on, with the fake detector in Chromium: how a folder comes in, what is left out, what is added.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { makeFolder } from "./folders.mjs";
import { hills, steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { chooseFolder, dropFolder, finished, FOLDERS, newsroom, stage, stubPicker, studio, toAudit } from "./training.mjs";

let server;
before(async () => {
  server = await startServer((await buildFakeSite()).folder);
});
after(() => server?.close());

test("the picker, a drop, and the folder of last time", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  const picture = readFileSync(hills.jpeg).toString("base64");
  await stubPicker(page, [["real/a.jpg", picture], ["fake/deep/b.jpg", picture], ["fake/.DS_Store", ""]]);
  await page.click("#pick-folder");
  await page.waitForSelector(".labels");
  assert.match(await stage(page), /1 real\s+1 generated\s+1 source\s+0 left out/);
  await page.$eval(".folder:first-child input[value=skip]", (input) => input.click());
  await page.waitForFunction(() => /There are no/.test(document.querySelector("#labels-why").textContent));
  await page.reload();
  await ready(page);
  await page.waitForSelector(".waiting .row button");
  await page.click(".waiting .row button");
  await page.waitForSelector(".labels");
  assert.match(await stage(page), /There are no generated pictures yet/); // what was said is remembered
  await page.click(".labels .quiet");
  await dropFolder(page, newsroom());
  await page.waitForSelector(".labels");
  assert.match(await stage(page), /holiday/);
  assert.deepEqual(errors, []);
  await browser.close();
});

test("metadata label what folders do not", async () => {
  const { browser, page } = await studio(server, "chromium");
  const rows = Array.from({ length: 12 }, (_, index) => `${String(index).padStart(4, "0")}.jpg,${index % 2}`);
  await chooseFolder(page, makeFolder("metadata", { folders: ["all"], each: 12, others: { "all/metadata.csv": Buffer.from(`file_name,label\n${rows.join("\n")}\n`) } }));
  await page.waitForSelector(".labels");
  assert.match(await stage(page), /6 real\s+6 generated/);
  assert.match(await stage(page), /labelled one by one/);
  await browser.close();
});

test("copies are left out, and equalising changes what is trained on", async () => {
  const { browser, page } = await studio(server, "chromium");
  const words = { "real/agency/0000.jpg": "near=aaaaaaaaaaaaaaaa", "generated/flux/0000.jpg": "near=aaaaaaaaaaaaaaaa" };
  await chooseFolder(page, makeFolder("copies", { folders: FOLDERS.slice(0, 4), each: 12, words }));
  await toAudit(page);
  assert.match(await stage(page), /One pair is called real and generated at once/);
  await page.click("#leave-out");
  await page.waitForFunction(() => /No picture is there twice/.test(document.querySelector(".stage").innerText));
  assert.match(await stage(page), /23 real pictures, 23 generated pictures/);
  await page.click("#equalise");
  await page.click("#train");
  assert.match(await finished(page), /Equalised/);
  await browser.close();
});

test("a set too small for figures says so", async () => {
  const { browser, page } = await studio(server, "chromium");
  await chooseFolder(page, makeFolder("small", { folders: ["real", "fake"], each: 3 }));
  await toAudit(page);
  assert.match(await stage(page), /too few to tell/);
  await page.click("#train");
  const report = await finished(page);
  assert.match(report, /too few pictures to say how good this head is/);
  assert.doesNotMatch(report, /NaN|undefined|null/);
  await browser.close();
});

test("a corrected verdict is kept without its picture, and joins the next training", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  await page.evaluate(() => (location.hash = "#check"));
  await pick(page, steered("archive.jpg", "p=0.93"));
  await settled(page, 1);
  await page.click(".correction button");
  await page.waitForFunction(() => /Noted as real/.test(document.querySelector(".correction").innerText));
  await page.evaluate(() => (location.hash = "#train"));
  await page.reload();
  await ready(page);
  await page.waitForSelector(".corrections");
  assert.match(await page.$eval(".corrections", (element) => element.innerText), /1 corrected verdict/);
  await chooseFolder(page, makeFolder("with-corrections", { folders: FOLDERS.slice(0, 4), each: 12 }));
  await toAudit(page);
  assert.match(await stage(page), /25 real pictures, 24 generated pictures/);
  await page.click("#train");
  assert.match(await finished(page), /25 real and 24 generated/);
  const bytes = await page.evaluate(async () => (await navigator.storage.estimate()).usage);
  assert.ok(bytes > 0);
  assert.deepEqual(errors, []);
  await browser.close();
});

/** Checks a picture and calls the verdict wrong. */
async function correct(page, picture, said) {
  await page.evaluate(() => (location.hash = "#check"));
  const before = (await page.$$(".card")).length;
  await pick(page, picture);
  await settled(page, before + 1);
  await page.click(".card .correction button"); // the newest card is the first
  await page.waitForFunction((said) => document.querySelector(".card .correction").innerText.includes(said), {}, said);
  await page.evaluate(() => (location.hash = "#train"));
}

test("a corrected verdict counts for a picture of the folder, and is left out where it cannot be learnt from", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  const root = makeFolder("overruled", { folders: FOLDERS.slice(0, 4), each: 12, words: { "generated/flux/0003.jpg": "p=0.93" } });
  await correct(page, join(root, "generated/flux/0003.jpg"), "Noted as real");
  await correct(page, steered("archive.jpg", "p=0.93"), "Noted as real");
  await chooseFolder(page, root);
  await toAudit(page);
  assert.match(await stage(page), /26 real pictures, 23 generated pictures/);
  assert.match(await stage(page), /No picture is there twice/);
  assert.match(await stage(page), /The folder gives one picture another label/);
  assert.equal(await page.$eval("#left-out", (line) => line.checkVisibility()), false);
  await page.$eval(".recipe details", (details) => (details.open = true));
  const [epochs, seed] = await page.$$eval(".parts input[type=number]", (inputs) => inputs.map(({ placeholder }) => placeholder));
  assert.deepEqual([epochs, seed], ["12", "7"]); // what the preset says
  await page.click(".ticks .check:last-child input"); // altered copies
  await page.waitForFunction(() => /1 corrected verdict is left out: altered copies need its picture/.test(document.getElementById("left-out").innerText));
  await page.click("#train");
  assert.match(await finished(page), /25 real and 23 generated/);
  assert.deepEqual(errors, []);
  await browser.close();
});

test("kept features are deleted, but not those that are needed", async () => {
  const { browser, page, errors } = await studio(server, "chromium");
  await correct(page, steered("archive.jpg", "p=0.93"), "Noted as real");
  await chooseFolder(page, makeFolder("deleted", { folders: FOLDERS.slice(0, 4), each: 12 }));
  await toAudit(page);
  assert.equal(await page.$eval(".kept-features", (section) => section.hidden), true);
  await page.click("#train");
  await finished(page);
  await page.click(".report .go button");
  await page.waitForFunction(() => /\(48 pictures, 18 kB\)/.test(document.getElementById("delete-features")?.innerText ?? "")); // 3 rows of 64 halves each
  await page.click("#delete-features");
  await page.click(".kept-features .danger");
  await page.waitForFunction(() => document.querySelector(".kept-features").hidden);
  await chooseFolder(page, makeFolder("deleted", { folders: FOLDERS.slice(0, 4), each: 12 }));
  await toAudit(page);
  await page.click("#train");
  assert.match(await finished(page), /25 real and 24 generated/); // the correction's row was kept
  assert.deepEqual(errors, []);
  await browser.close();
});

test("what another tab does to the storage leaves it of use, or says to reload", async () => {
  const { browser, page } = await studio(server, "chromium");
  const outside = (version) =>
    page.evaluate(
      (version) =>
        new Promise((resolve, reject) => {
          const request = version === null ? indexedDB.deleteDatabase("safelight") : indexedDB.open("safelight", version);
          request.onsuccess = () => resolve(request.result?.close());
          request.onerror = () => reject(request.error);
        }),
      version,
    );
  await correct(page, steered("first.jpg", "p=0.93"), "Noted as real");
  await outside(null);
  await correct(page, steered("second.jpg", "p=0.93"), "Noted as real");
  await outside(99);
  await page.evaluate(() => (location.hash = "#check"));
  await pick(page, steered("third.jpg", "p=0.93"));
  await settled(page, 3);
  await page.click(".card .correction button");
  await page.waitForFunction(() => /newer version of this page.*Reload/.test(document.querySelector(".card .correction").innerText));
  await browser.close();
});
