// Training in the page, with the fake detector, in both browsers: from a folder to a head in use, also over a reload.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { makeFolder } from "./folders.mjs";
import { suspicious, watchNetwork } from "./network.mjs";
import { hills, steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { chooseFolder, finished, FOLDERS, heads, newsroom, stage, studio, toAudit } from "./training.mjs";

const downloads = fileURLToPath(new URL("../artifacts/downloads/", import.meta.url));

let server;
before(async () => {
  server = await startServer((await buildFakeSite()).folder);
});
after(() => server?.close());

for (const name of ["chromium", "firefox"]) {
  describe(name, () => {
    test("folder, labels, audit, training, report, head in use, export and import", async () => {
      const { browser, page, errors } = await studio(server, name);
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
      const { browser, page, errors } = await studio(server, name);
      const words = { "real/agency/0011.jpg": "slow" };
      const root = makeFolder("reload", { folders: FOLDERS.slice(0, 4), each: 12, words });
      await chooseFolder(page, root);
      await toAudit(page);
      await passing(page, () => /Features: (3\d) of 48/.test(document.querySelector(".pass-line")?.textContent ?? ""));
      await page.reload();
      await ready(page);
      await chooseFolder(page, root);
      await toAudit(page);
      await passing(page, () => /(3\d|4\d) known already/.test(document.querySelector(".pass-line")?.textContent ?? ""));
      await finished(page);
      assert.deepEqual(errors, []);
      await browser.close();
    });

    test("a reload in the middle of training goes on where it was, without the folder", async () => {
      const { browser, page, errors } = await studio(server, name);
      const root = makeFolder("slow-epochs", { folders: ["real/slow-epochs", ...FOLDERS.slice(1, 4)], each: 12 });
      await chooseFolder(page, root);
      await page.waitForSelector(".labels");
      // The path of a picture steers the fake trainer.
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

/** Trains, and waits for a moment that passes: whoever begins to look after the click may miss it. */
async function passing(page, moment) {
  await Promise.all([page.waitForFunction(moment, { polling: "mutation" }), page.click("#train")]);
}
