// The page with a fake detector that tells what it does: the next picture is made ready while the GPU works on this one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { bad, steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";

let server, browser, page;

before(async () => {
  server = await startServer((await buildFakeSite()).folder);
  browser = await launch("chromium");
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The page with all that the fake detector tells in `events`. */
async function fresh(device) {
  await page?.close();
  ({ page } = await openPage(browser, `${server.url}?device=${device}`));
  await ready(page);
  await page.evaluate(() => {
    globalThis.events = [];
    new BroadcastChannel("fake").onmessage = ({ data }) => globalThis.events.push(data);
  });
}

const events = () => page.evaluate(() => globalThis.events);
const told = (event) => page.waitForFunction((event) => globalThis.events.includes(event), {}, event);
const named = (shown, name) => shown.find((card) => card.name === name);

const [first, second, third] = ["p=0.1", "p=0.5", "p=0.9"];
const three = () => [steered("first.jpg", first), steered("second.jpg", second), steered("third.jpg", third)];

test("on a GPU each picture is decoded once, while the one before is checked, and gets its own verdict", async () => {
  await fresh("gpu");
  await pick(page, ...three());
  const shown = await settled(page, 3);
  assert.deepEqual(["first.jpg", "second.jpg", "third.jpg"].map((name) => named(shown, name).label), ["real", "unsure", "generated"]);
  assert.deepEqual(await events(), [
    `prepare ${first}`, `begin ${first}`, `prepare ${second}`, `end ${first}`,
    `begin ${second}`, `prepare ${third}`, `end ${second}`,
    `begin ${third}`, `end ${third}`,
  ]);
});

test("on the CPU, which has nothing to wait for, one after the other", async () => {
  await fresh("cpu");
  await pick(page, ...three());
  await settled(page, 3);
  assert.deepEqual(await events(), [first, second, third].flatMap((words) => [`prepare ${words}`, `begin ${words}`, `end ${words}`]));
});

test("one that is stopped after it was made ready is freed, and the one behind it is made ready", async () => {
  await fresh("gpu");
  await pick(page, steered("slow.jpg", "slow"), ...three().slice(1));
  await told(`prepare ${second}`);
  await page.$$eval(".card", (all) => all.find((card) => card.textContent.includes("second")).querySelector(".cancel").click());
  const shown = await settled(page, 3, 15_000);
  assert.equal(named(shown, "second.jpg").code, "cancelled");
  assert.equal(named(shown, "third.jpg").label, "generated");
  assert.deepEqual(await events(), [
    "prepare slow", "begin slow", `prepare ${second}`, `free ${second}`, `prepare ${third}`, "end slow", `begin ${third}`, `end ${third}`,
  ]);
});

test("one that is stopped while the next is ready leaves that to be checked", async () => {
  await fresh("gpu");
  await pick(page, steered("slow.jpg", "slow"), steered("third.jpg", third));
  await told(`prepare ${third}`);
  await page.click('.card[data-state="checking"] .cancel');
  const shown = await settled(page, 2, 15_000);
  assert.equal(named(shown, "slow.jpg").code, "cancelled");
  assert.equal(named(shown, "third.jpg").label, "generated");
  assert.deepEqual(await events(), ["prepare slow", "begin slow", `prepare ${third}`, "end slow", `begin ${third}`, `end ${third}`]);
});

test("a next picture that cannot be read fails with its own sentence, and no other", async () => {
  await fresh("gpu");
  await pick(page, steered("first.jpg", first), bad.text(), steered("third.jpg", third));
  const shown = await settled(page, 3);
  assert.match(named(shown, "letter.jpg").worth, /not a picture that can be read/);
  assert.deepEqual(["first.jpg", "third.jpg"].map((name) => named(shown, name).label), ["real", "generated"]);
});

test("a next picture that panics while it is decoded fails alone: the one under way is checked again, on the GPU", async () => {
  await fresh("gpu");
  await pick(page, steered("first.jpg", first), steered("poison.jpg", "crash-decode"), steered("third.jpg", third));
  const shown = await settled(page, 3, 15_000);
  assert.equal(named(shown, "poison.jpg").code, "worker-crashed");
  for (const name of ["first.jpg", "third.jpg"]) assert.match(named(shown, name).facts, /· GPU ·/);
  const all = await events();
  assert.ok(all.indexOf("prepare crash-decode") > all.indexOf(`begin ${first}`));
  assert.ok(all.indexOf("prepare crash-decode") < all.lastIndexOf(`begin ${first}`));
});
