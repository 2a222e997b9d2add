// The built extension with the real model, on the CPU and on WebGPU: its verdict is the terminal's, as the page's is
// (../real.test.mjs, ../gpu.test.mjs).
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { describeCards } from "../browser.mjs";
import { agrees, askTerminal, root } from "../terminal.mjs";
import { openChromium } from "./chromium.mjs";
import { openFirefox } from "./firefox.mjs";
import { startProxy } from "./proxy.mjs";
import { startSites } from "./sites.mjs";
import { closeAll, until } from "./until.mjs";

const MINUTES = 60_000;
/** Milliseconds for one browser's test, and seconds for one step of it. */
const LIMIT = 8 * MINUTES;
const STEP = 3 * 60;

before(askTerminal, { timeout: 3 * MINUTES });

for (const [name, open] of [["chromium", openChromium], ["firefox", openFirefox]]) {
  test(`${name}: “Check image” with the real model, loaded once`, { timeout: LIMIT + MINUTES }, async (t) => {
    const folder = join(root, "target/extension", name);
    assert.ok(existsSync(join(folder, "safelight_bg.wasm")), "the extension is not built: cargo xtask extension");
    const end = Date.now() + LIMIT;
    const step = () => Math.min(STEP, (end - Date.now()) / 1_000);
    const [sites, proxy] = await Promise.all([startSites(), startProxy()]);
    let driver;
    /** The panel's answer, which a model that computes may keep waiting. */
    const panel = async (body, ...args) => {
      let answer;
      await until(async () => ((answer = await driver.panel(body, ...args)), true), "the panel answers", 90);
      return answer;
    };
    const line = () => panel(() => `${document.getElementById("model").dataset.phase}: ${document.getElementById("device-line").textContent}`);
    const cards = () => panel(`() => (${describeCards})([...document.querySelectorAll(".card")])`);
    const answered = async (count) => {
      const all = async () => (await cards()).filter(({ state }) => state === "done" || state === "failed").length === count;
      await until(all, `${count} pictures have an answer`, step(), async () => [await line(), await cards()]);
    };
    const computeOn = async (device) => {
      await panel((device) => document.querySelector(`input[name=preference][value=${device}]`).click(), device);
      const there = new RegExp(`^ready: ${device}`, "i");
      await until(async () => there.test(await line()), `the detector is ready, on the ${device}`, step(), line);
    };
    try {
      driver = await open(folder, proxy.port);
      await driver.goto(sites.url);
      await driver.click();
      await until(() => driver.panel(() => document.querySelector("input[name=preference]:checked") !== null), "the panel is there");
      await computeOn("cpu");
      await driver.menu("#hills");
      await answered(1);
      const loads = proxy.asked.length;
      await driver.menu("#hills");
      await driver.menu("#blob");
      await answered(3);
      agrees(await cards(), 0); // the same picture each time; what stands after a JPEG's end changes nothing
      // Chromium isolates an extension that asks for it; Firefox cannot, and keeps one thread.
      assert.match((await cards())[0].facts, name === "chromium" ? /· CPU · WebAssembly SIMD, [2-8] threads ·/ : /· CPU · WebAssembly SIMD, 1 thread ·/);
      await computeOn("gpu");
      await driver.menu("#hills");
      await answered(4);
      const [onGpu] = await cards();
      agrees([onGpu], 0);
      assert.match(onGpu.facts, /· GPU · WebGPU ·/);
      t.diagnostic(onGpu.facts); // with the seconds that it took
      const known = [new URL(sites.url).origin, sites.far];
      const asked = proxy.asked.slice(loads).filter(({ url }) => !driver.chatter.test(new URL(url).hostname));
      assert.deepEqual(asked.filter(({ url }) => !known.includes(new URL(url).origin)), []);
      await driver.screenshot(join(root, `tests/artifacts/extension-real-${name}.png`));
    } finally {
      await closeAll(driver, sites, proxy);
    }
  });
}
