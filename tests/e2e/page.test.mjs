// The page itself, with the fake detector: keyboard, names and roles, drop and paste, no layout shift, screenshots.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { cards, give, launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { bad, hills, steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";

const artifacts = fileURLToPath(new URL("../artifacts/", import.meta.url));
let server, browser, page, errors;

before(async () => {
  server = await startServer((await buildFakeSite()).folder);
  browser = await launch("chromium");
  ({ page, errors } = await openPage(browser, server.url));
  await ready(page);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim().slice(0, 60));
const heard = () => page.$eval("#live", (live) => live.textContent);

test("everything can be done from the keyboard", async () => {
  const chooser = page.waitForFileChooser({ timeout: 30_000 }); // early: a busy browser takes a while to look out for it
  await page.focus("body");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to choosing pictures");
  for (const view of ["Check", "Train"]) {
    await page.keyboard.press("Tab");
    assert.equal(await focused(), view);
  }
  await page.keyboard.press("Tab");
  assert.match(await focused(), /GPU · Imagined/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.value), "auto");
  await page.keyboard.press("Escape");
  assert.equal(await page.$eval("#device", (details) => details.open), false);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Choose pictures");
  await page.keyboard.press("Enter");
  await (await chooser).accept([steered("keys.jpg", "slow")]);
  await page.waitForSelector('.card[data-state="checking"]');

  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Cancel checking keys.jpg");
  await page.keyboard.press("Enter");
  await page.waitForSelector('.card[data-state="failed"]');
  assert.equal(await focused(), "Check again: keys.jpg");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Remove keys.jpg");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "Choose pictures");
  assert.equal((await cards(page)).length, 0);
});

test("drop and paste bring pictures in, and the verdict is spoken", async () => {
  const base64 = readFileSync(steered("spoken.jpg", "p=0.93")).toString("base64");
  await give(page, "drop", "spoken.jpg", "image/jpeg", base64);
  await settled(page, 1);
  assert.equal(await heard(), "spoken.jpg: Likely generated, 93 %");
  await give(page, "paste", "image.png", "image/jpeg", base64);
  const [newest] = await settled(page, 2);
  assert.equal(newest.name, "Pasted picture");
  assert.equal(newest.value, "93 % probability of being generated; from 75 % it is called likely generated");
  await page.click("#clear");
});

test("a chosen limit holds for the verdicts that are there, and is remembered", async () => {
  await pick(page, steered("limit.jpg", "p=0.93"));
  await settled(page, 1);
  await page.click("#worth summary");
  await page.click('#limits input[value="0.01"]');
  let [card] = await cards(page);
  assert.equal(card.label, "unsure"); // from 95 % on
  assert.match(card.facts, /Your limit: 95 %, at which 1 in 100 real pictures/);
  await page.reload();
  await ready(page);
  assert.equal(await page.$eval('#limits input[value="0.01"]', (radio) => radio.checked), true);
  await page.click("#worth summary");
  await page.click('#limits input[value=""]');
  await pick(page, steered("limit.jpg", "p=0.93"));
  [card] = await settled(page, 1);
  assert.equal(card.label, "generated");
  await page.click(".card .remove");
});

test("what the clipboard holds is pasted with the keyboard", async () => {
  await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
  }, readFileSync(hills.png).toString("base64"));
  await page.keyboard.down("Control");
  await page.keyboard.press("v");
  await page.keyboard.up("Control");
  const [card] = await settled(page, 1);
  assert.equal(card.name, "Pasted picture");
  assert.match(card.meta, /PNG/);
  await page.click(".card .remove");
});

test("names, roles and structure", async () => {
  await pick(page, steered("one.jpg", "p=0.1"), bad.text());
  await settled(page, 2);
  const faults = await page.evaluate(() => {
    const found = [];
    const visible = (element) => element.checkVisibility();
    const name = (element) =>
      element.getAttribute("aria-label") || document.getElementById(element.getAttribute("aria-labelledby"))?.textContent || element.closest("label")?.textContent || element.textContent.trim();
    for (const element of document.querySelectorAll("button, input, summary, progress, [role=meter], section[aria-label], section[aria-labelledby]"))
      if (visible(element) && !name(element)) found.push(`no name: ${element.outerHTML.slice(0, 80)}`);
    for (const image of document.images) if (!image.hasAttribute("alt")) found.push("an image without alt");
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id twice: ${id}`);
    const levels = [...document.querySelectorAll("h1, h2, h3")].map(({ tagName }) => Number(tagName[1]));
    levels.forEach((level, index) => level > (levels[index - 1] ?? 0) + 1 && found.push(`heading ${level} after ${levels[index - 1]}`));
    if (document.documentElement.lang !== "en") found.push("no language");
    for (const selector of ["main", "header", "h1", "[aria-live=polite]"])
      if (document.querySelectorAll(selector).length !== 1) found.push(`not one ${selector}`);
    for (const button of document.querySelectorAll("button"))
      if (visible(button) && button.getBoundingClientRect().height < 24) found.push(`too small: ${button.textContent}`);
    return found;
  });
  assert.deepEqual(faults, []);
});

for (const scheme of ["light", "dark"]) {
  test(`text is readable (${scheme}: contrast of 4.5 or more)`, async () => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
    const poor = await page.evaluate(() => {
      const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
      const luminance = (colour) => {
        const [r, g, b] = numbers(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor;
          if (numbers(colour)[3] !== 0) return colour;
        }
        return "rgb(255, 255, 255)";
      };
      const found = [];
      for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
        if (!own || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.closest(".veil, noscript")) continue;
        const [light, dark] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => b - a);
        const ratio = (light + 0.05) / (dark + 0.05);
        if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
      }
      return found;
    });
    assert.deepEqual(poor, []);
  });
}

for (const scheme of ["light", "dark"]) {
  test(`with forced colours (${scheme}) the needle and the band it stands in can be seen`, async () => {
    mkdirSync(artifacts, { recursive: true });
    const tools = await page.createCDPSession();
    const features = [{ name: "forced-colors", value: "active" }, { name: "prefers-color-scheme", value: scheme }];
    await tools.send("Emulation.setEmulatedMedia", { features });
    await page.click("#clear");
    await pick(page, steered("unsure.jpg", "p=0.5"), steered("forced.jpg", "p=0.93"));
    await settled(page, 2);
    const colours = await page.evaluate(() => {
      const background = (selector, pseudo) => getComputedStyle(document.querySelector(`.card ${selector}`), pseudo).backgroundColor;
      const page = getComputedStyle(document.body).backgroundColor;
      return { page, needle: background(".needle", "::before"), generated: background(".band.generated"), real: background(".band.real") };
    });
    assert.equal(await page.evaluate(() => matchMedia("(forced-colors: active)").matches), true);
    assert.equal(new Set(Object.values(colours)).size, 4, JSON.stringify(colours));
    await page.screenshot({ path: `${artifacts}forced-${scheme}.png`, fullPage: true });
    await tools.send("Emulation.setEmulatedMedia", { features: [] });
    await tools.detach();
  });
}

test("a card keeps its height from waiting to verdict", async () => {
  await page.click("#clear");
  await pick(page, steered("steady.jpg", "slow"));
  const height = () => page.$eval(".card", (card) => card.getBoundingClientRect().height);
  await page.waitForSelector('.card[data-state="checking"]');
  const during = await height();
  await settled(page, 1);
  assert.ok(Math.abs((await height()) - during) <= 1, `${during} then ${await height()}`);
});

test("screenshots, and no sideways scrolling", async () => {
  mkdirSync(artifacts, { recursive: true });
  const shots = [
    ["empty", []],
    ["verdicts", [steered("agency-portrait-2026-11-23-final.jpg", "p=0.93"), steered("doorway.jpg", "p=0.08"), hills.png, bad.text(), steered("running.jpg", "slow"), steered("next.jpg", "slow")]],
  ];
  for (const [name, files] of shots) {
    await page.reload();
    await ready(page);
    if (files.length > 0) {
      await pick(page, ...files);
      await page.waitForFunction(() => document.querySelectorAll(".card")[4]?.dataset.state === "checking", { polling: 50 });
      await page.$eval("#worth", (details) => (details.open = true));
    }
    for (const scheme of ["light", "dark"]) {
      for (const width of [1280, 390]) {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.setViewport({ width, height: 844 });
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, `${name} at ${width} px scrolls sideways`);
        await page.screenshot({ path: `${artifacts}${name}-${scheme}-${width}.png`, fullPage: true });
      }
    }
  }
  assert.deepEqual(errors, []);
});
