// The built site with the real model on WebGPU in Firefox, whose software adapter takes half a minute or more for a
// picture; Chromium's takes many minutes and is left out.
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

async function open(faults) {
  server = await startServer(dist, faults);
  browser = await launch("firefox");
  const { page, errors } = await openPage(browser, `${server.url}?device=gpu`);
  assert.match(await ready(page, 3 * MINUTES), /^GPU/);
  return { page, errors };
}

test("firefox on WebGPU says what the terminal says", { timeout: 10 * MINUTES }, async () => {
  const { page, errors } = await open();
  await pick(page, hills.jpeg);
  const [card] = await settled(page, 1, 8 * MINUTES);
  agrees([card], 0);
  assert.match(card.facts, /· GPU ·/);
  assert.deepEqual(errors, []);
});

test("a GPU that is lost for good: the picture ends on the CPU, which is said", { timeout: 10 * MINUTES }, async () => {
  const { page } = await open({ worker: LOSES_ITS_GPU });
  await pick(page, hills.jpeg);
  const [card] = await settled(page, 1, 8 * MINUTES);
  agrees([card], 0);
  assert.match(card.facts, /· CPU ·.*GPU failed twice, so the CPU is used/);
  assert.match(await page.$eval("#notices", (list) => list.textContent), /the CPU is used from here on/);
});
