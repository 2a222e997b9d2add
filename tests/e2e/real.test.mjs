// The built site with the real model, in real browsers, behind the server that people use.
// Both compute on the CPU in wasm and must agree with the terminal; tests/web.rs runs the same model on WebGPU
// in Firefox, where a software adapter takes up to minutes a picture.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { give, launch, openPage, pick, ready, settled } from "./browser.mjs";
import { suspicious, watchNetwork } from "./network.mjs";
import { bad, hills } from "./pictures.mjs";
import { startServer } from "./server.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const dist = process.env.SAFELIGHT_SITE ?? join(root, "dist");
const jpeg = readFileSync(hills.jpeg).toString("base64");
const MINUTES = 60_000;

let expected;

/** Firefox passed this test in 20 s and stalled in it another time, cause unknown: it runs when asked for. */
const stalls = (name) => name === "firefox" && !process.env.SAFELIGHT_E2E_FIREFOX && "set SAFELIGHT_E2E_FIREFOX=1 to run it";

before(() => {
  assert.ok(existsSync(join(dist, "safelight_bg.wasm")), "dist/ is not built: trunk build --config trunk.toml --release");
  // SAFELIGHT names a command that is built already.
  const [command, ...first] = process.env.SAFELIGHT ? [process.env.SAFELIGHT] : ["cargo", "run", "--quiet", "--release", "--bin", "safelight", "--"];
  const { stdout } = runAnyway(command, [...first, "check", "--json", "--device", "cpu", ...siteModel(), hills.jpeg, hills.png]);
  expected = stdout.trim().split("\n").map((line) => JSON.parse(line));
  for (const line of expected) assert.equal(line.error, undefined);
});

for (const { name, device, line } of [
  { name: "chromium", device: "cpu", line: /^CPU/ },
  { name: "firefox", device: "cpu", line: /^CPU/ },
]) {
  test(`${name} on the ${device}: pick, drop and paste, reload, no network`, { timeout: 10 * MINUTES, skip: stalls(name) }, async () => {
    const server = await serve(0);
    const browser = await launch(name);
    try {
      const { page, errors } = await openPage(browser, `${server.url}?device=${device}`);
      assert.match(await ready(page, 5 * MINUTES), line);
      await pick(page, hills.jpeg);
      agrees(await settled(page, 1, 8 * MINUTES), 0);
      if (name === "chromium") {
        await give(page, "drop", "dropped.jpg", "image/jpeg", jpeg);
        await give(page, "paste", "image.jpg", "image/jpeg", jpeg);
        await pick(page, hills.png);
        const shown = await settled(page, 4);
        assert.deepEqual(shown.map((card) => card.name), ["hills.png", "Pasted picture", "dropped.jpg", "hills.jpg"]);
        agrees(shown.slice(0, 1), 1);
        agrees(shown.slice(1), 0);
      }

      await page.evaluate(async () => void (await navigator.serviceWorker.ready));
      await page.reload();
      await ready(page, 5 * MINUTES);
      await server.stop();
      await page.reload();
      assert.match(await ready(page, 5 * MINUTES), line);
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
      // Firefox gives scripts no paste event with files, so only Chromium is asked to paste.
      await give(page, name === "chromium" ? "paste" : "drop", "image.jpg", "image/jpeg", jpeg);
      await settled(page, 2);
      assert.deepEqual(requests.map(({ url }) => url), []);
      assert.deepEqual(server.log.map(({ path }) => path), []);

      // And it could not, had it tried.
      const blocked = await page.evaluate(() => fetch("http://127.0.0.1:9/", { method: "POST", body: "x", mode: "no-cors" }).then(() => "sent", () => "blocked"));
      assert.equal(blocked, "blocked");
    } finally {
      await browser.close();
      await server.close();
    }
  });
}

/** The page's probability is the terminal's. */
function agrees(shown, index) {
  for (const card of shown) {
    assert.equal(card.state, "done", JSON.stringify(card));
    assert.ok(Math.abs(card.probability - expected[index].probability) <= 0.01, `${card.name}: ${card.probability} here, ${expected[index].probability} at the terminal`);
    assert.equal(card.label, expected[index].verdict);
  }
}

/** The pack and the head that the site opens by default, for the terminal. */
function siteModel() {
  const models = join(dist, "models");
  const catalog = JSON.parse(readFileSync(join(models, "catalog.json"), "utf8"));
  const url = (kind) => catalog[`${kind}s`].find(({ id }) => id === catalog.default[kind]).url;
  return ["--pack", join(models, url("pack")), "--head", join(models, url("head"))];
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

/** `safelight check` exits 1 when a picture is likely generated. */
function runAnyway(command, args) {
  try {
    return { stdout: execFileSync(command, args, { cwd: root, encoding: "utf8" }) };
  } catch (error) {
    if (error.status === 1) return { stdout: error.stdout };
    throw error;
  }
}
