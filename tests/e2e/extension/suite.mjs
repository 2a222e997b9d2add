// What the extension promises, asked of one browser after the other with the fake detector: its verdicts say which
// bytes it was given. The drivers say how far each browser lets itself be driven.
import assert from "node:assert/strict";
import { after, before, beforeEach, test as anyTest } from "node:test";
import { describeCards, give } from "../browser.mjs";
import { buildFakeExtension } from "./build.mjs";
import { startProxy } from "./proxy.mjs";
import { longSlowly, startSites } from "./sites.mjs";
import { closeAll, START, TEST, until } from "./until.mjs";

export function suite(name, open) {
  let sites, proxy, driver;
  const test = (what, run, limit = TEST) => anyTest(`${name}: ${what}`, limit, run);

  before(async () => {
    const folders = await buildFakeExtension();
    [sites, proxy] = await Promise.all([startSites(), startProxy()]);
    driver = await open(folders(name), proxy.port);
  }, START);
  after(() => closeAll(driver, sites, proxy), START);
  beforeEach(async () => {
    await driver.goto(sites.url);
    if (await driver.isOpen()) await clear();
  }, TEST);

  const cards = () => driver.panel(`() => (${describeCards})([...document.querySelectorAll(".card")])`);
  const clear = async () => {
    await driver.panel(() => document.getElementById("clear").click());
    await until(async () => (await cards()).length === 0, "the panel is empty");
  };
  const settled = async (count, seconds = 20) => {
    await until(async () => {
      const states = (await cards()).map(({ state }) => state);
      return states.length === count && states.every((state) => state === "done" || state === "failed");
    }, `${count} pictures have an answer`, seconds, cards);
    return cards();
  };
  const running = () => until(async () => (await cards()).some(({ state }) => state === "checking"), "a check runs");

  test("the toolbar button opens the panel, which says where it computes", async () => {
    await driver.click();
    await until(() => driver.panel(() => document.getElementById("device-line").textContent === "GPU · Imagined Graphics 9000"), "the detector is ready");
  });

  test("“Check image” on every kind of picture", async () => {
    await driver.goto(`${sites.url}login`);
    await driver.goto(sites.url);
    await until(() => driver.page(() => document.getElementById("blob").complete && document.getElementById("blob").naturalWidth > 0), "the page is there");
    const expected = { plain: 0.91, figure: 0.12, srcset: 0.83, linked: 0.22, data: 0.33, blob: 0.99, private: 0.66, shared: 0.77 };
    for (const [index, id] of Object.keys(expected).entries()) {
      await driver.menu(`#${id}`);
      const [card] = await settled(index + 1);
      assert.equal(card.state, "done", `${id}: ${card.worth}`);
      assert.equal(card.probability, expected[id], id);
      assert.match(card.meta, /640 × 480 · JPEG/);
    }
    const origins = await driver.panel(() => [...document.querySelectorAll(".origin")].map(({ textContent }) => textContent));
    assert.ok(origins.includes(`From ${new URL(sites.url).host}. Described there as “A hill · Evening, by nobody”.`), origins.join("\n"));
    const thumbnails = await driver.panel(() => [...document.querySelectorAll(".card img")].filter((image) => image.naturalWidth > 0).length);
    assert.equal(thumbnails, 8);
  });

  test("AVIF is decoded by the browser; SVG is no photograph", async () => {
    await driver.menu("#avif");
    await driver.menu("#svg");
    const [svg, avif] = await settled(2);
    assert.match(avif.meta, /160 × 120 · AVIF/);
    assert.equal(svg.code, "picture-drawing");
    assert.match(svg.worth, /^Not a photograph/);
  });

  test("a picture that is a long address, of which Chromium tells nothing", async () => {
    await driver.goto(`${sites.url}long`);
    await driver.menu("#long");
    const [card] = await settled(1);
    assert.equal(card.probability, 0.27, card.worth);
  });

  test("another host's picture asks for that host, when it is needed", async () => {
    await driver.menu("#other");
    const [blocked] = await settled(1);
    assert.equal(blocked.code, "host-blocked");
    assert.match(blocked.worth, /comes from 127\.0\.0\.1:\d+, and the page may not read it/);
    await driver.allowHosts("http://127.0.0.1/*");
    await driver.press(".allow");
    await until(async () => (await cards())[0].state === "done", "the picture was fetched", 20, cards);
    assert.equal((await cards())[0].probability, 0.88);
    await driver.menu("#framed", { frame: "#frame" }); // in a frame of that host
    const [framed] = await settled(2);
    assert.equal(framed.probability, 0.44);
  });

  test("the largest picture of the page, also behind a style sheet", async () => {
    await driver.click();
    await driver.press("#largest");
    const [card] = await settled(1);
    assert.equal(card.name, "wall.jpg");
    assert.equal(card.probability, 0.95);
    await driver.goto(`${sites.url}empty`);
    await driver.press("#largest");
    const [empty] = await settled(2);
    assert.match(empty.worth, /has not been asked about this page|no picture on this page/);
  });

  test("five quick clicks all get answers, in turn", async () => {
    for (const id of ["slow", "plain", "figure", "linked", "srcset"]) await driver.menu(`#${id}`);
    const shown = await settled(5, 40);
    assert.deepEqual(shown.map(({ state }) => state), Array(5).fill("done"));
    assert.deepEqual(new Set(shown.slice(0, 4).map(({ probability }) => probability)), new Set([0.83, 0.22, 0.12, 0.91]));
  });

  test("leaving the page in the middle of a check loses nothing", async () => {
    await driver.menu("#slow");
    await running();
    await driver.goto(`${sites.url}empty`);
    assert.equal((await settled(1))[0].state, "done");
  });

  test("closing the tab in the middle of a check loses nothing", async () => {
    await driver.menu("#slow");
    await running();
    await driver.replaceTab();
    assert.equal((await settled(1))[0].state, "done");
  });

  test("closing the panel in the middle of a check loses nothing", async () => {
    await driver.menu("#slow");
    await running();
    await driver.closePanel();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await driver.click();
    assert.equal((await settled(1))[0].state, "done");
  });

  test("the browser stops the background in the middle of a check: nothing is lost, nothing is left over", async () => {
    await driver.menu("#plain");
    await settled(1);
    await driver.menu("#slow");
    await running();
    await driver.goto(`${sites.url}empty`); // so that the page cannot give the picture again
    await driver.kill();
    const shown = await settled(2);
    assert.deepEqual(shown.map(({ state }) => state), ["done", "done"]);
    await driver.goto(sites.url);
    await driver.menu("#figure");
    const [after] = await settled(3);
    assert.equal(after.probability, 0.12);
    const { rooms, workers = 1 } = await driver.rooms();
    assert.deepEqual({ rooms, workers }, { rooms: 1, workers: 1 });
  });

  test("a long picture that was dropped on the panel, or pasted, is not lost with the background either", async () => {
    await driver.click();
    const panel = { evaluate: (body, ...args) => driver.panel(body, ...args) };
    for (const [index, how] of ["drop", "paste"].entries()) {
      await give(panel, how, `${how}.jpg`, "image/jpeg", longSlowly());
      await running();
      await driver.kill();
      const [card] = await settled(index + 1);
      assert.deepEqual([card.name, card.state], [`${how}.jpg`, "done"], card.worth);
    }
  });

  test("a keyboard's focus stays in the panel when what it was on goes", async () => {
    for (const id of ["plain", "figure", "slow"]) await driver.menu(`#${id}`);
    await running();
    const focused = () => driver.panel(() => `${document.activeElement.localName} ${document.activeElement.closest(".card")?.querySelector("h3").textContent ?? document.activeElement.id}`);
    const press = (selector) => driver.panel((selector) => {
      const button = document.querySelector(selector);
      button.focus();
      button.click();
    }, selector);
    await driver.panel(() => document.querySelector(".cancel").focus()); // which goes with the verdict
    await settled(3);
    assert.equal(await focused(), "h3 slow.jpg");
    await press(".card .remove");
    await settled(2);
    assert.equal(await focused(), "h3 figure.jpg");
    await press("#clear");
    await settled(0);
    assert.equal(await focused(), "button pick");
  });

  test("the browser stops the background while it fetches a picture", async () => {
    await driver.menu("#late");
    await new Promise((resolve) => setTimeout(resolve, 700)); // of the two seconds that the site takes
    assert.match((await cards())[0].verdict, /Reading the picture/);
    await driver.kill();
    const [card] = await settled(1);
    assert.equal(card.probability, 0.55, card.worth);
  });

  test("the last 20 are kept", async () => {
    for (let round = 0; round < 3; round += 1) for (const id of ["plain", "figure", "srcset", "linked", "data", "shared", "hills", "private"]) await driver.menu(`#${id}`);
    const shown = await settled(20, 90);
    assert.equal(shown[0].probability, 0.66); // the newest is on top
  }, { timeout: 2 * TEST.timeout }); // 24 clicks

  test("the browser grants what the README lists, and no more", async () => {
    const { permissions, origins } = await driver.panel(() => new Promise((resolve) => chrome.permissions.getAll(resolve)));
    assert.deepEqual(permissions.filter((name) => !name.startsWith("internal:")).sort(), driver.permissions);
    assert.deepEqual(origins.filter((origin) => origin !== "http://127.0.0.1/*"), []);
  });

  test("a page cannot tell that the extension is there", async () => {
    const files = ["", "manifest.json", "background.js", "panel.html", "panel.js", "room.html", "worker.js", "options.html", "icons/32.png", "models/catalog.json"];
    const probe = (urls) => Promise.all(urls.map(async (url) => {
      const fetched = await fetch(url, { mode: "no-cors" }).then(() => "there", () => "not there");
      const loaded = await new Promise((resolve) => {
        const image = new Image();
        image.onload = () => resolve("there");
        image.onerror = () => resolve("not there");
        image.src = url;
      });
      return `${fetched}, ${loaded}`;
    }));
    const here = (host) => files.map((file) => `${driver.scheme}://${host}/${file}`);
    const nobody = driver.host.replace(/[0-9a-p]/g, (digit) => (digit === "a" ? "b" : "a"));
    const [ours, nobodys] = [await driver.page(probe, here(driver.host)), await driver.page(probe, here(nobody))];
    assert.deepEqual(ours, nobodys);
    assert.deepEqual(new Set(ours), new Set(["not there, not there"]));

    const look = () => ({
      resources: performance.getEntriesByType("resource").map(({ name, initiatorType }) => `${initiatorType} ${name}`).sort(),
      html: document.documentElement.outerHTML,
      names: Object.getOwnPropertyNames(window).sort().join(),
      runtime: typeof globalThis.chrome?.runtime?.sendMessage,
    });
    const before = await driver.page(look);
    await driver.menu("#plain");
    await settled(1);
    const read = driver.readingIsSeen ? [`fetch ${await driver.page(() => document.getElementById("plain").src)}`] : [];
    assert.deepEqual(await driver.page(look), { ...before, resources: [...before.resources, ...read].sort() });
    assert.equal(before.runtime, "undefined");
  });

  test("nothing of a picture reaches the network", async () => {
    // All that happened above went through the proxy.
    assert.ok(proxy.asked.some(({ url }) => url.endsWith("/plain.jpg")), "the proxy saw nothing");
    const known = new Set([new URL(sites.url).origin, sites.far]);
    const asked = proxy.asked.filter(({ url }) => !driver.chatter.test(new URL(url).hostname));
    assert.deepEqual(asked.map(({ url }) => url).filter((url) => !known.has(new URL(url).origin)), []);
    for (const { method, url, body } of asked) {
      assert.equal(method, "GET", url);
      assert.equal(body, 0, url);
      assert.equal(new URL(url).search, "", url);
    }
    // A check asks for the picture at most, and never for anything else.
    const page = new Set(["/", "/login", "/long", "/empty", "/frame", "/favicon.ico"]);
    for (const { path } of sites.log) assert.ok(page.has(path) || /\.(jpg|avif|svg)$/.test(path), path);
  });
}
