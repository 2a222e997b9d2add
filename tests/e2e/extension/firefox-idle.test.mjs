// Firefox stops a background that seems idle, and the room is a part of it: here it is given less patience.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { describeCards } from "../browser.mjs";
import { buildFakeExtension } from "./build.mjs";
import { openFirefox } from "./firefox.mjs";
import { startProxy } from "./proxy.mjs";
import { startSites } from "./sites.mjs";
import { closeAll, START, TEST, until } from "./until.mjs";

/** Seconds that Firefox gives an idle background here, instead of 30. */
const PATIENCE = 12;
let sites, proxy, driver;

before(async () => {
  const folders = await buildFakeExtension();
  [sites, proxy] = await Promise.all([startSites(), startProxy()]);
  driver = await openFirefox(folders("firefox"), proxy.port, { "extensions.background.idle.timeout": PATIENCE * 1_000 });
  await driver.goto(sites.url);
}, START);
after(() => closeAll(driver, sites, proxy), START);

const room = () => driver.panel(async () => (await navigator.locks.query()).held.find(({ name }) => name === "safelight-room")?.clientId ?? null);
const cards = () => driver.panel(`() => (${describeCards})([...document.querySelectorAll(".card")])`);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

test("firefox: the browser does not stop a room that somebody looks at", TEST, async () => {
  await driver.click();
  await until(async () => (await room()) !== null, "there is a room");
  const before = await room();
  await pause(2.5 * PATIENCE);
  assert.equal(await room(), before, "another room has taken its place");
});

test("firefox: the browser does not stop a room that checks pictures while nobody looks", TEST, async () => {
  const before = await room();
  for (let count = 0; count < 6; count += 1) await driver.menu("#slow"); // four seconds each
  await driver.closePanel();
  await pause(1.7 * PATIENCE);
  await driver.click();
  await until(async () => (await cards()).length === 6 && (await cards()).every(({ state }) => state === "done"), "all pictures have a verdict", 30, cards);
  assert.equal(await room(), before, "another room has taken its place");
});
