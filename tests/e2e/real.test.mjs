// The built site with the real model, in real browsers, behind the server that people use.
// Both compute on the CPU in wasm and must agree with the terminal; gpu.test.mjs does the same on WebGPU.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { give, launch, openPage, pick, ready, settled } from "./browser.mjs";
import { suspicious, watchNetwork } from "./network.mjs";
import { bad, hills } from "./pictures.mjs";
import { startServer } from "./server.mjs";
import { agrees, askTerminal, dist, root } from "./terminal.mjs";

const jpeg = readFileSync(hills.jpeg).toString("base64");
const MINUTES = 60_000;

before(askTerminal);

for (const name of ["chromium", "firefox"]) {
  test(`${name}: pick, drop and paste, reload, no network`, { timeout: 10 * MINUTES }, async () => {
    const server = await serve(0);
    const browser = await launch(name);
    try {
      const { page, errors } = await openPage(browser, `${server.url}?device=cpu`);
      assert.match(await ready(page, 5 * MINUTES), /^CPU/);
      await pick(page, hills.jpeg);
      agrees(await settled(page, 1, 8 * MINUTES), 0);
      await give(page, "drop", "dropped.jpg", "image/jpeg", jpeg);
      await give(page, "paste", "image.jpg", "image/jpeg", jpeg);
      await pick(page, hills.png);
      const shown = await settled(page, 4);
      assert.deepEqual(shown.map((card) => card.name), ["hills.png", "Pasted picture", "dropped.jpg", "hills.jpg"]);
      agrees(shown.slice(0, 1), 1);
      agrees(shown.slice(1), 0);

      await page.evaluate(async () => void (await navigator.serviceWorker.ready));
      await page.reload();
      await ready(page, 5 * MINUTES);
      await server.stop();
      await page.reload();
      assert.match(await ready(page, 5 * MINUTES), /^CPU/);
      await pick(page, hills.jpeg);
      agrees(await settled(page, 1, 8 * MINUTES), 0);
      assert.deepEqual(errors, []);
    } finally {
      await browser.close();
      await server.stop();
    }
  });
}

test("bad files among good ones: a sentence each, and the others get verdicts", { timeout: 5 * MINUTES }, async () => {
  const server = await startServer(dist);
  const browser = await launch("chromium");
  try {
    const { page, errors } = await openPage(browser, `${server.url}?device=cpu`);
    await ready(page);
    await pick(page, bad.empty(), bad.truncated(), hills.jpeg, bad.enormous(), bad.text(), hills.avif);
    const shown = Object.fromEntries((await settled(page, 6)).map((card) => [card.name, card]));
    const codes = { "empty.jpg": "picture-empty", "truncated.jpg": "picture-damaged", "letter.jpg": "picture-format", "enormous.png": "picture-pixels" };
    for (const [file, code] of Object.entries(codes)) {
      assert.equal(shown[file].code, code, file);
      assert.ok(shown[file].worth.length > 30, file);
    }
    agrees([shown["hills.jpg"]], 0);
    assert.equal(shown["hills.avif"].state, "done");
    assert.match(shown["hills.avif"].meta, /160 × 120 · AVIF/);
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
    await server.close();
  }
});

test("chromium: a check that runs can be cancelled", { timeout: 3 * MINUTES }, async () => {
  const server = await startServer(dist);
  const browser = await launch("chromium");
  try {
    const { page } = await openPage(browser, `${server.url}?device=cpu`);
    await ready(page);
    await pick(page, hills.jpeg, hills.png);
    await page.waitForSelector('.card[data-state="checking"]', { polling: "mutation" });
    await page.click('.card[data-state="checking"] .cancel');
    const shown = await settled(page, 2);
    assert.deepEqual(shown.map(({ code }) => code), ["cancelled", null]);
  } finally {
    await browser.close();
    await server.close();
  }
});

for (const name of ["chromium", "firefox"]) {
  test(`${name}: nothing about a picture reaches the network`, { timeout: 5 * MINUTES }, async () => {
    const server = await startServer(dist);
    const browser = await launch(name);
    try {
      const { page } = await openPage(browser, "about:blank");
      const requests = name === "chromium" ? await watchNetwork(browser, page) : [];
      const query = "?device=cpu";
      await page.goto(server.url + query);
      await ready(page);
      await page.evaluate(async () => void (await navigator.serviceWorker.ready));

      const { origin } = new URL(server.url);
      assert.deepEqual(requests.map((request) => suspicious(request, origin, query)).filter(Boolean), []);
      for (const { method, path, search, body } of server.log) {
        assert.equal(method, "GET", path);
        assert.equal(body(), 0, path);
        assert.ok(search === "" || search === query, path + search);
      }
      // Chromium's own tools must have seen what the server saw, or watching proves nothing.
      if (name === "chromium") for (const file of ["safelight_bg.wasm", "model.safetensors", "worker.js"])
        assert.ok(requests.some(({ url }) => url.endsWith(file)), `${file} was not seen`);

      requests.length = 0;
      server.log.length = 0;
      await pick(page, hills.jpeg);
      await settled(page, 1);
      await give(page, "paste", "image.jpg", "image/jpeg", jpeg);
      await settled(page, 2);
      assert.deepEqual(requests.map(({ url }) => url), []);
      // The browser looks for a newer service worker when it pleases; that says nothing of a picture.
      assert.deepEqual(server.log.filter(({ path, search, body }) => path !== "/sw.js" || search !== "" || body() > 0), []);

      // And it could not, had it tried.
      const blocked = await page.evaluate(() => fetch("http://127.0.0.1:9/", { method: "POST", body: "x", mode: "no-cors" }).then(() => "sent", () => "blocked"));
      assert.equal(blocked, "blocked");
    } finally {
      await browser.close();
      await server.close();
    }
  });
}

/** `cargo xtask serve` on a free port, in a process group of its own. */
async function serve(port) {
  const child = spawn("cargo", ["xtask", "serve", "--no-build", "--dir", dist, "--port", String(port)], { cwd: root, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  const exit = new Promise((resolve) => child.once("exit", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\/\/\S+/.exec(line);
    if (address === null) continue;
    const stop = async () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGTERM");
      await exit;
    };
    return { url: address[0], stop };
  }
  throw new Error("cargo xtask serve printed no address");
}
