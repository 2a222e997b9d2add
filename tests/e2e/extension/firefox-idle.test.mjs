// Firefox stops a background that seems idle, here with less patience, or that took too much; the room is a part of it.
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

test("firefox: a check in whose middle the background ends twice is not begun a third time by itself", TEST, async () => {
  await driver.panel(() => document.getElementById("clear").click());
  await until(async () => (await cards()).length === 0, "the panel is empty");
  await driver.menu("#slow");
  for (let count = 0; count < 2; count += 1) {
    await until(async () => (await cards())[0]?.state === "checking", "a check runs", 30, cards);
    const before = await room();
    await driver.kill();
    await until(async () => ![null, before].includes(await room()), "there is another room", 30, room);
    await pause(1); // until then the panel shows what the room before has said
  }
  await until(async () => (await cards())[0]?.code === "check-interrupted", "it is given up", 30, cards);
  assert.match((await cards())[0].worth, /^The browser stopped Safelight twice in the middle of this check/);
  await driver.press(".again");
  await until(async () => (await cards())[0]?.state === "done", "the person's own wish counts", 30, cards);
});
