// The CPU path on more than one core, in the built site with the real model: as many threads as there are cores, the same
// verdict to the last bit as one thread gives, one thread where the browser allows no more, and no helper left behind.
// It needs a machine with two cores.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { hills } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { agrees, askTerminal, dist } from "./terminal.mjs";
import { until } from "./extension/until.mjs";

const MINUTES = 60_000;
const THREADS = /^CPU · WebAssembly SIMD, (\d) threads?$/;
const NOT_ISOLATED = { headers: { "Cross-Origin-Opener-Policy": "unsafe-none", "Cross-Origin-Embedder-Policy": "unsafe-none" } };
/** A helper that starts, takes chunks of every product, and computes none. */
const THIEF = {
  helper: `onmessage = ({ data: { memory } }) => {
    const words = new Int32Array(memory.buffer, 0, 64);
    postMessage("ready");
    for (;;) if (Atomics.load(words, 16) > 0) Atomics.sub(words, 16, 1);
  };`,
};
/** The helpers' script does not arrive. */
const NO_HELPER = { missing: "/helper.js" };

before(askTerminal);

for (const name of ["chromium", "firefox"])
  test(`${name}: one thread for each core, and the verdict of one thread`, { timeout: 5 * MINUTES }, async () => {
    const browser = await launch(name);
    try {
      const many = await check(browser, {});
      assert.ok(many.cores > 1, "this test needs two cores");
      assert.equal(many.threads, Math.min(many.cores, 8));
      assert.deepEqual(many.errors, []);
      const one = await check(browser, NOT_ISOLATED);
      assert.equal(one.threads, 1);
      assert.equal(many.probability, one.probability);
      assert.match(many.facts, new RegExp(`CPU · WebAssembly SIMD, ${many.threads} threads`));
    } finally {
      await browser.close();
    }
  });

test("chromium: helpers that do not start leave one thread; others end with the worker, and with the page", { timeout: 5 * MINUTES }, async () => {
  const browser = await launch("chromium");
  const session = await browser.target().createCDPSession();
  const workers = async () => (await session.send("Target.getTargets", { filter: [{ type: "worker" }] })).targetInfos.map(({ url }) => new URL(url).pathname).sort();
  try {
    assert.equal((await check(browser, NO_HELPER)).threads, 1);
    const server = await startServer(dist);
    const { page } = await openPage(browser, `${server.url}?device=cpu`);
    await ready(page);
    const running = await workers();
    assert.ok(running.includes("/helper.js") && running.includes("/worker.js"), String(running));
    // A check that does not hear its cancellation in time costs the worker; choosing a device replaces it as well.
    await page.click("#device summary");
    await page.click("input[name=preference][value=auto]");
    await page.click("input[name=preference][value=cpu]");
    await ready(page);
    await until(async () => String(await workers()) === String(running), "the first worker's helpers have ended", 20, workers);
    await page.close();
    await until(async () => (await workers()).length === 0, "all have ended with the page", 20, workers);
    await server.close();
  } finally {
    await browser.close();
  }
});

test("chromium: a helper that is lost in a check leaves one thread, the same verdict, and a line that says so", { timeout: 5 * MINUTES }, async () => {
  const browser = await launch("chromium");
  try {
    const one = await check(browser, NOT_ISOLATED);
    const lost = await check(browser, THIEF);
    assert.ok(lost.threads > 1, "this test needs two cores");
    assert.equal(lost.after, "CPU · WebAssembly SIMD, 1 thread");
    assert.match(lost.facts, /CPU · WebAssembly SIMD, 1 thread ·/);
    assert.equal(lost.probability, one.probability);
  } finally {
    await browser.close();
  }
});

/** Opens the page from a server with these faults, checks a picture, and closes it. */
async function check(browser, faults) {
  const server = await startServer(dist, faults);
  const { page, errors } = await openPage(browser, `${server.url}?device=cpu`);
  try {
    const line = await ready(page);
    assert.match(line, THREADS);
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    await pick(page, hills.jpeg);
    const shown = await settled(page, 1);
    agrees(shown, 0);
    const [{ probability, facts }] = shown;
    const after = await page.$eval("#device-line", (element) => element.textContent);
    return { threads: Number(THREADS.exec(line)[1]), after, cores, probability, facts, errors };
  } finally {
    await page.close();
    await server.close();
  }
}
