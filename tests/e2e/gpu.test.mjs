// The built site with the real model on WebGPU, on the software adapters of both browsers, which take half a minute or
// more for a picture.
import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { hills } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { agrees, askTerminal, dist } from "./terminal.mjs";

const MINUTES = 60_000;

/** The real device of every worker is destroyed while it computes its first picture. */
const LOSES_ITS_GPU = `
const request = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await request.call(this, descriptor);
  addEventListener("message", ({ data }) => data.kind === "check" && setTimeout(() => device.destroy(), 1_000));
  return device;
};`;

let server, browser;

before(askTerminal);
afterEach(async () => {
  await browser?.close();
  await server?.close();
});

async function open(name, faults) {
  server = await startServer(dist, faults);
  browser = await launch(name);
  const { page, errors } = await openPage(browser, `${server.url}?device=gpu`);
  assert.match(await ready(page, 3 * MINUTES), /^GPU/);
  return { page, errors };
}

for (const name of ["chromium", "firefox"]) {
  test(`${name} on WebGPU says what the terminal says`, { timeout: 10 * MINUTES }, async (t) => {
    const { page, errors } = await open(name);
    await pick(page, hills.jpeg);
    const [card] = await settled(page, 1, 8 * MINUTES);
    agrees([card], 0);
    assert.match(card.facts, /· GPU ·/);
    t.diagnostic(card.facts); // with the seconds that it took
    assert.deepEqual(errors, []);
  });
}

test("a GPU that is lost for good: the picture ends on the CPU, which is said", { timeout: 10 * MINUTES }, async () => {
  const { page } = await open("firefox", { worker: LOSES_ITS_GPU });
  await pick(page, hills.jpeg);
  const [card] = await settled(page, 1, 8 * MINUTES);
  agrees([card], 0);
  assert.match(card.facts, /· CPU ·.*GPU failed twice, so the CPU is used/);
  assert.match(await page.$eval("#notices", (list) => list.textContent), /the CPU is used from here on/);
});
