// Captions in the extension, with the fake detector and a head that reads them: the words that a page has for its
// picture are shown and offered, and count when the person says so.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { describeCards } from "../browser.mjs";
import { root } from "../terminal.mjs";
import { buildFakeExtension } from "./build.mjs";
import { openChromium } from "./chromium.mjs";
import { openFirefox } from "./firefox.mjs";
import { startProxy } from "./proxy.mjs";
import { startSites } from "./sites.mjs";
import { closeAll, START, TEST, until } from "./until.mjs";

let folder, sites, proxy, driver;

before(async () => {
  [sites, proxy, folder] = await Promise.all([startSites(), startProxy(), buildFakeExtension({ captions: true })]);
}, START);
after(() => closeAll(sites, proxy));
afterEach(() => closeAll(driver));

const cards = () => driver.panel(`() => (${describeCards})([...document.querySelectorAll(".card")])`);
const settled = async (count) => {
  const all = async () => (await cards()).filter(({ state }) => state === "done" || state === "failed").length === count;
  await until(all, `${count} pictures have an answer`, 20, cards);
  return (await cards())[0];
};
const text = (selector) => driver.panel((selector) => document.querySelector(selector).textContent, selector);
const field = () => driver.panel(() => document.querySelector(".caption textarea").value);

/** Presses “Check with it” under the newest verdict, with other words if there are any. */
async function checkWith(words) {
  if (words !== undefined) await driver.panel((words) => void (document.querySelector(".caption textarea").value = words), words);
  await driver.press(".caption button");
}

/** The newest picture, as the room knows it. */
const newest = () =>
  driver.panel(async () => {
    const channel = new BroadcastChannel("safelight-room");
    const all = new Promise((resolve) => (channel.onmessage = ({ data }) => data.kind === "all" && resolve(data)));
    channel.postMessage({ kind: "hello" });
    const [entry] = (await all).entries;
    channel.close();
    return entry;
  });

/** Says it to the room and the panel, as one of them or another panel would. */
const say = (message) =>
  driver.panel((message) => {
    const channel = new BroadcastChannel("safelight-room");
    channel.postMessage(message);
    channel.close();
  }, message);

/** Types words under the newest verdict; while they stand there, its thumbnail comes from the room, as it may on a busy machine. */
async function thumbnailComesWhileTyping(words) {
  const src = () => driver.panel(() => document.querySelector(".card img").src);
  const before = await src();
  await driver.panel((words) => void (document.querySelector(".caption textarea").value = words), words);
  const entry = await newest();
  await say({ kind: "entry", entry: { ...entry, thumbnail: `${entry.thumbnail ?? "data:,"}#late` } });
  await until(async () => (await src()) !== before, "the thumbnail is shown");
}

async function captioned(words, count, probability) {
  await checkWith(words);
  await until(async () => (await cards())[0].probability === probability, `the verdict is ${probability}`, 20, cards);
  return settled(count);
}

async function reopened() {
  await driver.closePanel();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await driver.click();
  await until(async () => (await cards()).length > 0, "the panel shows the pictures");
}

for (const [name, open] of [["chromium", openChromium], ["firefox", openFirefox]]) {
  test(`${name}: a page's words for its picture are offered, and count when the person agrees`, TEST, async () => {
    driver = await open(folder(name), proxy.port);
    await driver.goto(sites.url);
    await driver.click();
    await driver.menu("#figure");
    const alone = await settled(1);
    assert.equal(alone.probability, 0.12); // nobody has agreed yet
    assert.doesNotMatch(alone.facts, /caption/);
    assert.match(await text(".origin"), /Described there as “A hill · Evening, by nobody”/);
    assert.equal(await field(), "A hill · Evening, by nobody");
    assert.match(await text(".caption p"), /The picture alone decided\. Below is how its page describes it: this counts only if you check with it/);

    const agreed = await captioned(undefined, 1, 0.06);
    assert.match(agreed.facts, /whole picture, its caption/);
    assert.match(await text(".caption p"), /Picture and caption were weighed together/);
    mkdirSync(join(root, "tests/artifacts"), { recursive: true });
    await driver.screenshot(join(root, `tests/artifacts/extension-caption-${name}.png`));

    await captioned("", 1, 0.12); // taken back
    await thumbnailComesWhileTyping("half a sent");
    assert.equal(await field(), "half a sent");
    await captioned("half a sentence", 1, 0.06);
    await say({ kind: "caption", id: (await newest()).id, caption: "the person's own words" });
    await until(async () => (await field()) === "the person's own words", "the field holds what counts", 20, field);
    await settled(1);
    await reopened();
    assert.equal(await field(), "the person's own words"); // not the page's, which were not used
    assert.match(await text(".caption p"), /weighed together/);

    await driver.menu("#linked"); // says nothing of itself
    assert.equal((await settled(2)).probability, 0.22);
    assert.equal(await field(), "");
    assert.match(await text(".caption p"), /The picture alone decided\. This detector can also weigh/);

    // The words are not lost with the background either.
    await driver.menu("#slow");
    const { probability } = await settled(3);
    await checkWith("a hill, slowly");
    await until(async () => (await cards())[0].state === "checking", "a check runs");
    await driver.kill();
    const after = await settled(3);
    assert.equal(after.probability, probability / 2);
    assert.match(after.facts, /its caption/);

    // Firefox's room ends with the background, and with it what had a verdict: that stays, and nothing is made up.
    if (name === "firefox") {
      await driver.goto(`${sites.url}empty`);
      await driver.kill();
      await until(async () => (await cards()).length === 3, "another room is there");
      await checkWith("other words");
      await until(async () => /let go of the picture/.test((await cards())[0].facts), "it is said", 20, cards);
      assert.deepEqual([(await cards())[0].state, (await cards())[0].probability], ["done", after.probability]);
    }
    assert.deepEqual(proxy.asked.filter(({ url }) => /tokenizer|hill,|caption/.test(url)).map(({ url }) => url), []);
  });
}
