// The options page in Firefox, beside its sidebar: a head imported and refused, a limit, clearing everything.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { describeCards } from "../browser.mjs";
import { headFile } from "../fake/heads.js";
import { buildFakeExtension } from "./build.mjs";
import { openFirefox } from "./firefox.mjs";
import { startProxy } from "./proxy.mjs";
import { startSites } from "./sites.mjs";
import { closeAll, START, TEST, until } from "./until.mjs";

const artifacts = fileURLToPath(new URL("../../artifacts/", import.meta.url));
let sites, proxy, driver;

before(async () => {
  mkdirSync(artifacts, { recursive: true });
  const folders = await buildFakeExtension();
  [sites, proxy] = await Promise.all([startSites(), startProxy()]);
  driver = await openFirefox(folders("firefox"), proxy.port);
  await driver.goto(sites.url);
  await driver.menu("#plain");
  await until(async () => (await cards())[0]?.state === "done", "the picture has an answer");
  await driver.openTab("options.html");
  await until(() => driver.page(() => document.querySelectorAll("#limits input").length > 1), "the limits are shown");
}, START);
after(() => closeAll(driver, sites, proxy), START);

const cards = () => driver.panel(`() => (${describeCards})([...document.querySelectorAll(".card")])`);
const text = (selector) => driver.page((selector) => document.querySelector(selector).textContent, selector);
const press = (selector) => driver.page((selector) => document.querySelector(selector).click(), selector);

async function importHead(name, bytes) {
  const path = join(artifacts, name);
  writeFileSync(path, bytes);
  await driver.choose("#head-file", path);
}

test("a head is imported and used, and one of another model refused", TEST, async () => {
  await importHead("mine-firefox.safetensors", headFile({ id: "mine", name: "Portraits, fine-tuned", date: "2026-11-24" }));
  await until(async () => /^In use: Portraits, fine-tuned/.test(await text("#head-outcome")), "the head is in use");
  await importHead("wrong-firefox.safetensors", headFile({ id: "wrong", name: "Wrong", date: "2026-11-24", model: "another" }));
  await until(async () => /cannot be used. This head was trained for another model/.test(await text("#head-outcome")), "it is refused");
  assert.equal(await driver.page(() => document.querySelectorAll("#heads .head").length), 2);
});

test("a limit is a measured rate, and changes the word at once", TEST, async () => {
  assert.equal((await cards())[0].label, "generated"); // 91 %
  await press('#limits input[value="0.01"]');
  await until(async () => (await cards())[0].label === "unsure", "the word has changed");
  assert.match((await cards())[0].facts, /Your limit: 95 %, at which 1 in 100 real pictures/);
  await press('#limits input[value=""]');
  await until(async () => (await cards())[0].label === "generated", "the word is the head's own again");
});

test("clearing everything", TEST, async () => {
  await press('#limits input[value="0.01"]');
  await press("#clear-all");
  await until(async () => (await text("#clear-outcome")).startsWith("Done"), "everything is cleared");
  assert.equal((await cards()).length, 0);
  assert.equal(await driver.page(() => localStorage.length), 0);
  assert.equal(await driver.page(() => document.querySelector('#limits input[value=""]').checked), true);
});
