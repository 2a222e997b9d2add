// A CLIP checkpoint through the built site's own wasm: the pack is the terminal's, byte for byte; a head is trained
// for it, and then it gives verdicts. The model is tiny and random (tests/reference_checkpoint.py made it).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { makeFolder } from "./folders.mjs";
import { hills } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { dist, root } from "./terminal.mjs";
import { chooseFolder, toAudit } from "./training.mjs";

const golden = join(root, "tests/golden/checkpoint");
const MINUTES = 60_000;

for (const [name, int8] of [["chromium", false], ["firefox", true]]) {
  test(`${name}: added (${int8 ? "int8" : "float16"}), trained for, and used`, { timeout: 10 * MINUTES }, async () => {
    const server = await startServer(dist);
    const browser = await launch(name);
    try {
      const { page, errors } = await openPage(browser, `${server.url}?device=cpu`);
      await ready(page, 5 * MINUTES);
      await page.click("#device summary");
      await (await page.waitForSelector("#add-model")).click();
      if (int8) await page.click("#model-int8");
      await (await page.$("#model-files")).uploadFile(join(golden, "config.json"), join(golden, "model.safetensors"));
      await (await page.waitForSelector("#use-model")).click();
      await page.waitForFunction(() => document.getElementById("model-line").textContent === "This model has no head yet");
      assert.equal(await keptPack(page), packOfTerminal(int8));

      await page.click('.views a[href="#train"]');
      await chooseFolder(page, makeFolder(`checkpoint-${name}`, { folders: ["real/attic", "real/beach", "fake/glide", "fake/hydra"], each: 6 }));
      await toAudit(page);
      assert.equal(await page.$eval('input[name=start][value="fine-tune"]', (input) => input.disabled), true);
      await page.$eval(".recipe details", (details) => (details.open = true));
      await page.type('.recipe input[type=number][max="500"]', "2");
      await page.click("#train");
      await page.waitForSelector(".report", { timeout: 5 * MINUTES });
      await page.click(".report .use, .head .use");
      await page.click('.views a[href="#check"]');
      await page.waitForFunction(() => /decides/.test(document.getElementById("model-line").textContent));
      await page.reload();
      await ready(page, 5 * MINUTES);
      await pick(page, hills.jpeg);
      const [card] = await settled(page, 1);
      assert.equal(card.state, "done", JSON.stringify(card));
      assert.deepEqual(errors, []);
    } finally {
      await browser.close();
      await server.close();
    }
  });
}

/** SHA-256 of the one model that the page has kept. */
function keptPack(page) {
  return page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("packs");
    const models = await new Promise((resolve, reject) => {
      const opening = indexedDB.open("safelight");
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const keys = opening.result.transaction("models").objectStore("models").getAllKeys();
        keys.onsuccess = () => (opening.result.close(), resolve(keys.result));
      };
    });
    await folder.getFileHandle(models[0]); // it lies under its hash
    return models[0];
  });
}

function packOfTerminal(int8) {
  const packs = mkdtempSync(join(tmpdir(), "safelight-packs-"));
  const [command, ...first] = process.env.SAFELIGHT ? [process.env.SAFELIGHT] : ["cargo", "run", "--quiet", "--release", "--bin", "safelight", "--"];
  execFileSync(command, [...first, "models", "add", golden, "--name", "tiny", "--packs", packs, ...(int8 ? ["--int8"] : [])], { cwd: root });
  return JSON.parse(readFileSync(join(packs, "tiny/pack.json"), "utf8")).files[0].sha256;
}
