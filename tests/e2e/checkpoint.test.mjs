// A CLIP checkpoint with both towers and a tokenizer of its own, through the built site's own wasm: the pack is the
// terminal's, byte for byte; a head that reads captions is trained for it, and its verdicts, with a caption and
// without, are the terminal's. The model is tiny and random (tests/reference_checkpoint.py made it); Chromium takes it
// from files, Firefox from this site.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { makeFolder } from "./folders.mjs";
import { look } from "./look.mjs";
import { hills } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { dist, root } from "./terminal.mjs";
import { chooseFolder, stage, toAudit } from "./training.mjs";

const golden = join(root, "tests/golden/checkpoint");
const MINUTES = 60_000;

const FOLDERS = ["real/attic", "real/beach", "fake/glide", "fake/hydra"];
const EACH = 6;
/** All pictures look alike, so a head can learn from their captions only, which give the label away. */
const WORDS = { real: ["a red hill", "the hill", "a hill on a hill"], fake: ["the big dog", "a big dog", "the dog"] };
const CAPTION = "a big dog";

function captionedFolder(name) {
  const rows = FOLDERS.flatMap((folder) => Array.from({ length: EACH }, (_, index) => `${folder}/${String(index).padStart(4, "0")}.jpg,${WORDS[folder.slice(0, 4)][index % 3]}`));
  return makeFolder(name, { folders: FOLDERS, each: EACH, others: { "metadata.csv": Buffer.from(["file_name,text", ...rows, ""].join("\n")) } });
}

for (const [name, int8] of [["chromium", false], ["firefox", true]]) {
  test(`${name}: added (${int8 ? "int8, from this site" : "float16, from files"}), trained for with captions, and used`, { timeout: 10 * MINUTES }, async (t) => {
    const server = await startServer(dist, {}, { "/models/tiny/": golden });
    const browser = await launch(name);
    try {
      const { page, errors } = await openPage(browser, `${server.url}?device=cpu`);
      await ready(page, 5 * MINUTES);
      await page.click("#device summary");
      await (await page.waitForSelector("#add-model")).click();
      if (int8) await page.click("#model-int8");
      if (int8) {
        await page.type("#model-site", "/models/tiny/");
        await page.keyboard.press("Enter");
      } else {
        await (await page.$("#model-files")).uploadFile(...["config.json", "model.safetensors", "tokenizer.json"].map((file) => join(golden, file)));
        await (await page.waitForSelector("#add-files")).click();
      }
      await page.waitForSelector("#use-model:focus"); // as the keyboard finds it
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.getElementById("model-line").textContent === "This model has no head yet");
      const pack = packOfTerminal(int8);
      assert.equal(await keptPack(page), JSON.parse(readFileSync(join(pack, "pack.json"), "utf8")).files[0].sha256);

      await page.click('.views a[href="#train"]');
      await chooseFolder(page, captionedFolder(`checkpoint-${name}`));
      await toAudit(page);
      assert.match(await stage(page), /24 pictures come with a caption/);
      if (!(await page.$eval("#read-captions", (box) => box.checked))) await page.click("#read-captions");
      assert.equal(await page.$eval('input[name=start][value="fine-tune"]', (input) => input.disabled), true);
      await page.$eval(".recipe details", (details) => (details.open = true));
      await page.type('.recipe input[type=number][max="500"]', "40");
      await page.click("#train");
      await page.waitForSelector(".report", { timeout: 5 * MINUTES });
      await page.click(".report .use, .head .use");
      await page.click('.views a[href="#check"]');
      await page.waitForFunction(() => /decides/.test(document.getElementById("model-line").textContent));
      await page.reload();
      await ready(page, 5 * MINUTES);
      await pick(page, hills.jpeg);
      const [alone] = await settled(page, 1);
      assert.equal(alone.state, "done", JSON.stringify(alone));
      assert.match(await page.$eval(".caption", (place) => place.innerText), /The picture alone decided/);
      await page.type(".caption textarea", CAPTION);
      await page.click(".caption button");
      await page.waitForFunction(() => /weighed together/.test(document.querySelector(".caption p").textContent) && document.querySelector(".card").dataset.state === "done");
      const [told] = await settled(page, 1);
      assert.match(told.facts, /its caption/);
      const head = join(pack, "head.safetensors");
      writeFileSync(head, Buffer.from(await keptHead(page), "base64"));
      // The same weights in float32 on two CPUs: what is left is the order of sums.
      const expected = { alone: askTerminal(pack, head), told: askTerminal(pack, head, CAPTION) };
      t.diagnostic(`${alone.probability} alone, ${told.probability} with its caption; ${JSON.stringify(expected)} at the terminal`);
      assert.ok(expected.told > expected.alone + 0.1, "the head learnt nothing from captions");
      assert.ok(Math.abs(alone.probability - expected.alone) <= 1e-3);
      assert.ok(Math.abs(told.probability - expected.told) <= 1e-3);
      if (!int8) {
        const artifacts = join(root, "tests/artifacts/");
        mkdirSync(artifacts, { recursive: true });
        assert.deepEqual(await look(page, artifacts, "captioned"), []);
      }
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

/** The one head that the page has kept, in base64. */
function keptHead(page) {
  return page.evaluate(async () => {
    const heads = await new Promise((resolve, reject) => {
      const opening = indexedDB.open("safelight");
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const all = opening.result.transaction("headFiles").objectStore("headFiles").getAll();
        all.onsuccess = () => (opening.result.close(), resolve(all.result));
      };
    });
    return btoa(heads[0].reduce((text, byte) => text + String.fromCharCode(byte), ""));
  });
}

/** The folder of the pack that the terminal makes. */
function packOfTerminal(int8) {
  const packs = mkdtempSync(join(tmpdir(), "safelight-packs-"));
  safelight("models", "add", golden, "--name", "tiny", "--packs", packs, ...(int8 ? ["--int8"] : []));
  return join(packs, "tiny");
}

/** The terminal's probability for `hills.jpg`. */
function askTerminal(pack, head, caption) {
  const told = caption === undefined ? [] : ["--caption", caption];
  return JSON.parse(safelight("check", "--json", "--device", "cpu", "--pack", pack, "--head", head, ...told, hills.jpeg)).probability;
}

function safelight(...args) {
  const [command, ...first] = process.env.SAFELIGHT ? [process.env.SAFELIGHT] : ["cargo", "run", "--quiet", "--bin", "safelight", "--"];
  try {
    return execFileSync(command, [...first, ...args], { cwd: root, encoding: "utf8" });
  } catch (error) {
    if (error.status === 1) return error.stdout; // a picture is likely generated
    throw error;
  }
}
