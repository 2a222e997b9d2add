// Captions in the page, with the fake detector: the field under a verdict, the tokenizer that comes with the first
// caption, and a training that reads captions.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { makeFolder } from "./folders.mjs";
import { steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { chooseFolder, finished, stage, toAudit } from "./training.mjs";

let server;
before(async () => {
  server = await startServer((await buildFakeSite({ captions: true })).folder);
});
after(() => server?.close());

/** How often the tokenizer's file was asked for since the log was `from` long, and how often the module that reads it. */
const tokenizers = (from) => server.log.slice(from).filter(({ path }) => path.endsWith("tokenizer.json")).length;
const modules = (from) => server.log.slice(from).filter(({ path }) => path.endsWith("safelight-tokenizer.js")).length;

/** Writes into the caption of the only card, and checks with it. */
async function captioned(page, words) {
  await page.$eval(".caption textarea", (field, words) => (field.value = words), words);
  await page.click(".caption button");
  await page.waitForFunction(() => document.querySelector(".card").dataset.state !== "done", { polling: 20 });
  const [card] = await settled(page, 1);
  return card;
}

const FOLDERS = ["real/agency", "generated/flux"];

/** A folder with a text beside every picture. */
function captionedFolder(name, words) {
  const others = {};
  for (const folder of FOLDERS)
    for (let index = 0; index < 12; index += 1) others[`${folder}/${String(index).padStart(4, "0")}.txt`] = Buffer.from(words(folder, index));
  return makeFolder(name, { folders: FOLDERS, each: 12, others });
}

for (const name of ["chromium", "firefox"]) {
  describe(name, () => {
    test("a caption is weighed when it is given, and the tokenizer comes with the first one", async () => {
      const browser = await launch(name);
      const from = server.log.length;
      const { page, errors } = await openPage(browser, server.url);
      await ready(page);
      assert.match(await page.$eval("#model-note", (note) => note.textContent), /text tower \(its tokenizer comes with the first caption\); .*reads pictures and captions/);
      await pick(page, steered("captioned.jpg", "p=0.9"));
      const [alone] = await settled(page, 1);
      assert.equal(alone.probability, 0.9);
      assert.match(await page.$eval(".caption", (place) => place.innerText), /The picture alone decided/);
      assert.deepEqual([tokenizers(from), modules(from)], [0, 0]);

      const first = await captioned(page, "a hill at dawn");
      assert.deepEqual([tokenizers(from), modules(from)], [1, 1]);
      assert.equal(first.probability, 0.45);
      assert.match(first.facts, /whole picture, its caption/);
      assert.match(await page.$eval(".caption", (place) => place.innerText), /weighed together/);
      assert.match(await page.$eval("#model-note", (note) => note.textContent), /text tower with its tokenizer/);

      const without = await captioned(page, "   ");
      assert.equal(without.probability, 0.9);
      await page.reload();
      await ready(page);
      await pick(page, steered("captioned.jpg", "p=0.9"));
      await settled(page, 1);
      assert.equal((await captioned(page, "another")).probability, 0.45);
      assert.equal(tokenizers(from), 1); // kept in the browser from then on
      assert.deepEqual(errors, []);
      await browser.close();
    });

    test("a tokenizer that could not be fetched is fetched with the next caption, and costs no worker", async () => {
      const browser = await launch(name);
      const { page } = await openPage(browser, server.url);
      await ready(page);
      await pick(page, steered("captioned.jpg", "p=0.9"));
      const [alone] = await settled(page, 1);
      assert.match(alone.worth, /captions were weighed too; without one, as here/);
      server.faults.missing = "/safelight-tokenizer.js";
      try {
        const failed = await captioned(page, "a hill at dawn");
        assert.equal(failed.code, "network");
        assert.match(failed.worth, /safelight-tokenizer\.js could not be fetched.*try again/);
      } finally {
        delete server.faults.missing;
      }
      await page.click(".card .again");
      await page.waitForFunction(() => document.querySelector(".card").dataset.state === "done");
      const [told] = await settled(page, 1);
      assert.equal(told.probability, 0.45);
      assert.doesNotMatch(told.worth, /captions/);
      assert.equal(await page.$eval("#notices", (list) => list.textContent), "");
      await browser.close();
    });

    test("a corrected verdict takes its caption to the next training", async () => {
      const browser = await launch(name);
      const { page, errors } = await openPage(browser, server.url);
      await ready(page);
      await pick(page, steered("corrected.jpg", "p=0.96"));
      await settled(page, 1);
      await captioned(page, "a hill at noon");
      await page.click(".correction button");
      await page.waitForFunction(() => /Noted as/.test(document.querySelector(".correction").innerText));
      await page.evaluate(() => (location.hash = "#train"));
      await page.waitForSelector("#folder"); // a reload while it loads is an error to Firefox
      await page.reload();
      await ready(page);
      await page.waitForSelector(".corrections");
      assert.match(await page.$eval(".corrections", (list) => list.textContent), /its caption: “a hill at noon”/);
      await chooseFolder(page, makeFolder("uncaptioned", { folders: FOLDERS, each: 12 }));
      await toAudit(page);
      assert.match(await stage(page), /1 picture comes with a caption/);
      await page.click("#read-captions"); // off at first: the only caption is a real picture's, which gives it away
      await page.click("#train");
      assert.match(await finished(page), /As given, no caption/); // so its words were learnt from
      assert.deepEqual(errors, []);
      await browser.close();
    });

    test("a training reads captions, unless they give the label away", async () => {
      const browser = await launch(name);
      const { page, errors } = await openPage(browser, `${server.url}#train`);
      await ready(page);
      await chooseFolder(page, captionedFolder("told", (folder, index) => (folder.startsWith("generated") ? `midjourney ${index}` : `a hill ${index}`)));
      await toAudit(page);
      assert.match(await stage(page), /24 pictures come with a caption.*They give the label away/s);
      assert.equal(await page.$eval("#read-captions", (box) => box.checked), false);

      await page.goto(`${server.url}#check`);
      await page.goto(`${server.url}#train`);
      await page.reload();
      await ready(page);
      await chooseFolder(page, captionedFolder("untold", (_, index) => (index % 2 === 0 ? `midjourney ${index}` : `a hill ${index}`)));
      await toAudit(page);
      assert.match(await stage(page), /They give nothing away/);
      assert.equal(await page.$eval("#read-captions", (box) => box.checked), true);
      await page.click("#train");
      const report = await finished(page);
      assert.match(report, /As given, no caption/);
      assert.match(report, /Captions alone, no picture seen/);
      await page.click(".report .use");
      await page.waitForFunction(() => document.getElementById("model").hasAttribute("data-own-head"));
      assert.match(await page.$eval("#model-note", (note) => note.textContent), /reads pictures and captions/);
      assert.deepEqual(errors, []);
      await browser.close();
    });
  });
}
