// The options page in Chromium: heads imported and refused, the limit, hosts, clearing everything; and screenshots.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test as anyTest } from "node:test";
import { fileURLToPath } from "node:url";
import { describeCards } from "../browser.mjs";
import { headFile } from "../fake/heads.js";
import { steered } from "../pictures.mjs";
import { buildFakeExtension } from "./build.mjs";
import { openChromium } from "./chromium.mjs";
import { startProxy } from "./proxy.mjs";
import { startSites } from "./sites.mjs";
import { closeAll, START, TEST, until } from "./until.mjs";

const artifacts = fileURLToPath(new URL("../../artifacts/", import.meta.url));
const test = (what, run) => anyTest(what, TEST, run);
let sites, proxy, driver, options;

before(async () => {
  const folders = await buildFakeExtension();
  [sites, proxy] = await Promise.all([startSites(), startProxy()]);
  driver = await openChromium(folders("chromium"), proxy.port);
  await driver.goto(sites.url);
  await driver.click();
  options = await driver.openTab("options.html");
  await shows(() => document.querySelectorAll("#limits input").length > 1, "the limits are shown");
}, START);
after(() => closeAll(driver, sites, proxy), START);

const cards = () => driver.panel(`() => (${describeCards})([...document.querySelectorAll(".card")])`);
/** Until `condition` holds in the options page, which may be hidden: puppeteer's own waiting looks at its animation frames. */
const shows = (condition, what) => until(() => options.evaluate(condition), what, 30, cards);
const text = (selector) => options.$eval(selector, (element) => element.textContent);
const outcome = (pattern) => until(async () => pattern.test(await text("#head-outcome")), String(pattern), 30, () => text("#head-outcome"));
const card = (condition, what) => until(async () => condition((await cards())[0]), what, 30, cards);
const rows = () => options.evaluate(() => [...document.querySelectorAll(".head")].map((row) => `${row.querySelector("input").checked ? "● " : "○ "}${row.querySelector("label").innerText.replace(/\n/g, ", ")}`));

function file(name, bytes) {
  const path = join(artifacts, name);
  writeFileSync(path, bytes);
  return path;
}

async function importHead(path) {
  await (await options.$("#head-file")).uploadFile(path);
}

/** A false-positive rate, or "" for the head's own limit. */
async function chooseLimit(rate) {
  await options.bringToFront();
  await options.click(`#limits input[value="${rate}"]`);
}

const limits = () => options.$$eval("#limits label", (labels) => labels.map((label) => `${label.querySelector("input").checked ? "● " : "○ "}${label.innerText.replace(/\n/g, ", ")}`));

test("a head is imported, named by itself, and used", async () => {
  await importHead(file("mine.safetensors", headFile({ id: "mine", name: "Portraits, fine-tuned", date: "2026-11-24" })));
  await outcome(/^In use: Portraits, fine-tuned, trained 2026-11-24/);
  assert.deepEqual(await rows(), ["○ The head that ships with Safelight", "● Portraits, fine-tuned, trained 2026-11-24"]);
});

test("a head of another model is refused in a sentence, and the one before goes on", async () => {
  await importHead(file("wrong.safetensors", headFile({ id: "wrong", name: "Wrong", date: "2026-11-24", model: "another" })));
  await outcome(/^wrong.safetensors cannot be used. This head was trained for another model/);
  assert.equal((await rows())[1].slice(0, 11), "● Portraits");
  assert.equal((await rows()).length, 2);
  await importHead(file("empty.safetensors", ""));
  await outcome(/^empty.safetensors cannot be used. This file is not a head that Safelight can read/);
});

test("the choice outlives the room", async () => {
  await driver.awake();
  await driver.inBackground(() => chrome.offscreen.closeDocument());
  await driver.menu("#plain");
  await card(({ state }) => state === "done", "the picture has a verdict");
  const used = await options.evaluate(() => new Promise((resolve) => {
    const room = new BroadcastChannel("safelight-room");
    room.onmessage = ({ data }) => data.detector?.phase === "ready" && resolve(data.detector.opened.info.head.name);
    room.postMessage({ kind: "hello" });
  }));
  assert.equal(used, "Portraits, fine-tuned");
});

test("a limit is a measured rate; it changes the word, the scale and what is said, at once", async () => {
  const [own, strict, ...others] = await limits();
  assert.match(own, /^● The head’s own limit, From 75 % on\. On 607 pictures .* 1 in 20 real photographs generated/);
  assert.match(strict, /^○ 1 in 100 real pictures, From 95 % on; finds/);
  assert.equal(others.length, 2);
  assert.match(await options.$eval("#limits-meaning", (text) => text.textContent), /measured on a made-up set.*do not carry over/);
  assert.equal((await cards())[0].label, "generated"); // 91 %
  await chooseLimit(0.01);
  await card(({ label }) => label === "unsure", "the word has changed");
  assert.match((await cards())[0].facts, /Your limit: 95 %, at which 1 in 100 real pictures .* 75 %/);
  await chooseLimit("");
  await card(({ label }) => label === "generated", "the word is the head's own again");
});

test("a host that was allowed is listed and can be taken back", async () => {
  await driver.allowHosts("http://127.0.0.1/*");
  await driver.menu("#other");
  await card(({ code }) => code === "host-blocked", "the host is asked for"); // Chromium has it granted, not yet given
  await driver.press(".allow");
  await card(({ state }) => state === "done", "the picture was fetched");
  await shows(() => document.getElementById("hosts").innerText.includes("http://127.0.0.1"), "the host is listed");
  await options.bringToFront(); // a hidden tab cannot be clicked
  await options.click("#hosts button");
  await shows(() => document.getElementById("hosts").children.length === 0, "the host is taken back");
  await driver.menu("#other");
  await card(({ code }) => code === "host-blocked", "the host is asked for again");
});

test("screenshots", async () => {
  mkdirSync(artifacts, { recursive: true });
  await driver.choose("#file", steered("agency-portrait-2026-11-23-final.jpg", "p=0.08"));
  await driver.menu("#slow");
  await card(({ state }) => state === "checking", "a check runs");
  const panel = await driver.side();
  for (const scheme of ["light", "dark"]) {
    for (const [page, name] of [[panel, "panel"], [options, "options"]]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, `${name} scrolls sideways`);
      if (page === options) await options.bringToFront(); // a hidden tab is not drawn
      await driver.screenshot(`${artifacts}extension-${name}-${scheme}.png`, page);
    }
  }
});

test("clearing everything", async () => {
  await chooseLimit(0.01);
  await options.evaluate(() => caches.open("safelight-kernels"));
  await options.click("#clear-all");
  await shows(() => document.getElementById("clear-outcome").textContent.startsWith("Done"), "everything is cleared");
  assert.deepEqual(await rows(), ["● The head that ships with Safelight"]);
  assert.equal((await cards()).length, 0);
  assert.equal(await options.evaluate(() => localStorage.length), 0);
  assert.equal(await options.evaluate(() => caches.has("safelight-kernels")), false);
  assert.match((await limits())[0], /^● The head’s own limit/);
});
