// What a head is trained on, with the fake detector in Chromium: how a folder comes in, what is left out, what is added.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
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
