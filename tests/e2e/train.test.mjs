// Training in the page, with the fake detector: from a folder to a head in use, with everything that may go wrong between.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { cards, launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { makeFolder } from "./folders.mjs";
import { suspicious, watchNetwork } from "./network.mjs";
import { hills, steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { chooseFolder, dropFolder, finished, heads, stage, stubPicker, toAudit } from "./training.mjs";

const downloads = fileURLToPath(new URL("../artifacts/downloads/", import.meta.url));
const FOLDERS = ["real/agency", "real/phone", "generated/flux", "generated/midjourney", "holiday"];

let server;
before(async () => {
  server = await startServer((await buildFakeSite()).folder);
});
after(() => server?.close());

/** A fresh browser with the training view open. */
async function studio(name) {
  const browser = await launch(name);
  const { page, errors } = await openPage(browser, `${server.url}#train`);
  await ready(page);
  page.setDefaultTimeout(30_000);
  return { browser, page, errors };
}

const newsroom = () =>
  makeFolder("newsroom", {
    folders: FOLDERS,
    each: 12,
    others: { "notes.txt": Buffer.from("notes"), "real/agency/broken.jpg": Buffer.from("not a picture"), "generated/flux/empty.jpg": Buffer.alloc(0) },
  });

for (const name of ["chromium", "firefox"]) {
  describe(name, () => {
    test("folder, labels, audit, training, report, head in use, export and import", async () => {
      const { browser, page, errors } = await studio(name);
      const requests = name === "chromium" ? await watchNetwork(browser, page) : [];
      await chooseFolder(page, newsroom());
      await page.waitForSelector(".labels");
      assert.match(await stage(page), /Say what one folder holds/);
      assert.equal(await page.$eval("#labels-next", (button) => button.disabled), true);
      await toAudit(page);
      const audit = await stage(page);
      assert.match(audit, /names the generated one of two files 83 times in 100/);
      assert.match(audit, /36 real pictures, 24 generated pictures/);
      assert.match(audit, /Could not be read: 2 files/);
      await page.click("#train");
      const report = await finished(page);
      assert.match(report, /names the generated one of two 93 times in 100/);
      assert.match(report, /The files alone reach 83/);
      assert.match(report, /It started from another head/);
      assert.equal(await page.$$eval(".mistakes img", (images) => images.length > 0), true);

      await page.click(".report .use");
      await page.waitForSelector(".head[data-in-use]");
      const [trained] = await heads(page);
      assert.deepEqual([trained.name, trained.inUse], ["newsroom", true]);
      await page.evaluate(() => (location.hash = "#check"));
      assert.match(await page.$eval("#model", (element) => element.innerText), /Your head “newsroom” decides/);
      await page.reload();
      await ready(page);
      assert.match(await page.$eval("#model", (element) => element.innerText), /Your head “newsroom” decides/);
      await pick(page, steered("after.jpg", "p=0.9"));
      assert.equal((await settled(page, 1))[0].label, "generated");

      await page.click("#site-head");
      await page.waitForFunction(() => document.getElementById("model-line").textContent === "The detector is ready");
      assert.equal(await page.$eval("#site-head", (button) => button.hidden), true);

      await page.evaluate(() => (location.hash = "#train"));
      await page.waitForSelector(".head");
      if (name === "chromium") {
        const file = await exported(page);
        await page.click(".head .delete");
        await page.click(".head .danger");
        await page.waitForFunction(() => document.querySelectorAll(".head").length === 0);
        await (await page.$("#head-file")).uploadFile(file);
        await page.waitForSelector(".head");
        assert.deepEqual(await heads(page), [{ ...trained, inUse: false }]);
        await page.click(".head .open-report");
        assert.match(await finished(page), /names the generated one of two 93 times in 100/);
        await (await page.$("#head-file")).uploadFile(hills.jpeg);
        await page.waitForFunction(() => /not a head that Safelight can read/.test(document.querySelector(".shelf").innerText));
      }
      assert.deepEqual(requests.map((request) => suspicious(request, new URL(server.url).origin)).filter(Boolean), []);
      assert.deepEqual(errors, []);
      await browser.close();
    });

    test("a reload in the middle of the features computes none of them again", async () => {
      const { browser, page, errors } = await studio(name);
      const words = { "real/agency/0011.jpg": "slow" };
      const root = makeFolder("reload", { folders: FOLDERS.slice(0, 4), each: 12, words });
      await chooseFolder(page, root);
      await toAudit(page);
      await page.click("#train");
      await page.waitForFunction(() => /Features: (3\d) of 48/.test(document.querySelector(".pass-line").textContent), { polling: "mutation" });
      await page.reload();
      await ready(page);
      await chooseFolder(page, root);
      await toAudit(page);
      await page.click("#train");
      await page.waitForFunction(() => /(3\d|4\d) known already/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: "mutation" });
      await finished(page);
      assert.deepEqual(errors, []);
      await browser.close();
    });

    test("a reload in the middle of training goes on where it was, without the folder", async () => {
      const { browser, page, errors } = await studio(name);
      const root = makeFolder("slow-epochs", { folders: FOLDERS.slice(0, 4), each: 12 });
      await chooseFolder(page, root);
      await page.waitForSelector(".labels");
      // The name of a picture steers the fake trainer.
      await toAudit(page);
      await page.click("#train");
      await page.waitForFunction(() => /epoch [3-9] of/.test(document.querySelector(".pass-line")?.textContent ?? ""), { polling: 50 });
      await page.reload();
      await ready(page);
      assert.match(await page.$eval(".waiting", (element) => element.innerText), /“slow-epochs” is not finished/);
      await page.click(".waiting .primary");
      await finished(page);
      assert.equal((await heads(page)).length, 1);
      assert.equal(await page.evaluate(() => document.querySelector(".plots path") !== null), true);
      assert.deepEqual(errors, []);
      await browser.close();
    });
  });
}

/** Exports the first head and returns the file's path. */
async function exported(page) {
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  const session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads });
  await page.click(".head .export");
  for (let wait = 0; wait < 100; wait += 1) {
    const [file] = readdirSync(downloads).filter((file) => file.endsWith(".safetensors"));
    if (file !== undefined && readFileSync(downloads + file).length > 0) return downloads + file;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("nothing was downloaded");
}

describe("chromium, in detail", () => {
  test("the picker, a drop, and the folder of last time", async () => {
    const { browser, page, errors } = await studio("chromium");
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
    const { browser, page } = await studio("chromium");
    const rows = Array.from({ length: 12 }, (_, index) => `${String(index).padStart(4, "0")}.jpg,${index % 2}`);
    await chooseFolder(page, makeFolder("metadata", { folders: ["all"], each: 12, others: { "all/metadata.csv": Buffer.from(`file_name,label\n${rows.join("\n")}\n`) } }));
    await page.waitForSelector(".labels");
    assert.match(await stage(page), /6 real\s+6 generated/);
    assert.match(await stage(page), /labelled one by one/);
    await browser.close();
  });

  test("pause, go on, cancel", async () => {
    const { browser, page } = await studio("chromium");
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
    const { browser, page, errors } = await studio("chromium");
    await chooseFolder(page, makeFolder("slow-epochs", { folders: FOLDERS.slice(0, 4), each: 12 }));
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

  test("a worker that is lost in training is replaced, and training ends on the CPU", async () => {
    const { browser, page } = await studio("chromium");
    await chooseFolder(page, makeFolder("lose", { folders: ["real/lose-training", ...FOLDERS.slice(1, 4)], each: 12 }));
    await toAudit(page);
    await page.click("#train");
    await finished(page);
    assert.equal(await page.$eval("#device-line", (line) => line.textContent), "CPU");
    await browser.close();
  });

  test("copies are left out, and equalising changes what is trained on", async () => {
    const { browser, page } = await studio("chromium");
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
    const { browser, page } = await studio("chromium");
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
    const { browser, page, errors } = await studio("chromium");
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

  test("heads are renamed and compared", async () => {
    const { browser, page } = await studio("chromium");
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
});
