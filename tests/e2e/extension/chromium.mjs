// Chromium with the extension. Its native context menu cannot be clicked by any tool, so the menu's handler is
// called with the event data that a click gives; the toolbar's click before it, which is a real one (CDP's
// Extensions.triggerAction), grants what a menu click would grant as well: the right to read this tab (activeTab).
import { writeFileSync } from "node:fs";
import puppeteer from "puppeteer-core";
import { findBrowser, WEBGPU } from "../browser.mjs";
import { limited, until, within } from "./until.mjs";

/** What starts without being asked. */
const QUIET = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter",
  "--disable-sync",
  "--no-first-run",
];

export async function openChromium(folder, proxyPort) {
  const proxy = [`--proxy-server=127.0.0.1:${proxyPort}`, "--proxy-bypass-list=<-loopback>"];
  const browser = await puppeteer.launch({
    executablePath: findBrowser("chromium"),
    headless: true,
    pipe: true,
    enableExtensions: [folder],
    timeout: 60_000,
    protocolTimeout: 100_000,
    args: [...QUIET, ...WEBGPU.chromium, ...proxy],
  });
  try {
    await browser.waitForTarget((target) => target.type() === "service_worker", { timeout: 60_000 });
    const [extension] = (await within(30, browser.extensions(), "the extension is there")).values();
    const page = await within(30, browser.newPage(), "a tab opens");
    return limited(new Chromium(browser, extension, page));
  } catch (thrown) {
    await end(browser);
    throw thrown;
  }
}

/** Ends the browser, also one that does not answer: its processes are a group. */
async function end(browser) {
  await within(15, browser.close(), "the browser closes").catch(() => process.kill(-browser.process().pid, "SIGKILL"));
}

class Chromium {
  name = "chromium";
  scheme = "chrome-extension";
  /** What this browser asks by itself, with or without extensions, and no switch stops. */
  chatter = /^(update\.googleapis|accounts\.google|clients2\.google)\.com$/;
  permissions = ["activeTab", "contextMenus", "offscreen", "scripting", "sidePanel"];

  /** Whether a page sees, as a fetch of its own, that the extension reads its picture. */
  readingIsSeen = false;

  constructor(browser, extension, tab) {
    this.browser = browser;
    this.extension = extension;
    this.tab = tab;
    this.host = extension.id;
  }

  goto(url) {
    return this.tab.goto(url);
  }

  page(body, ...args) {
    return this.tab.evaluate(`(${body}).apply(null, ${JSON.stringify(args)})`);
  }

  /** What the browser itself calls the background that runs, if one does. */
  async background() {
    const session = await this.browser.target().createCDPSession();
    const { targetInfos } = await session.send("Target.getTargets");
    await session.detach();
    return targetInfos.find(({ type }) => type === "service_worker")?.targetId;
  }

  /**
   * `body` in the background, over a connection for this once: a background that is stopped while somebody is connected
   * neither ends nor answers, and one that the browser starts again may keep its name, so that puppeteer's own handle
   * is of the one that is gone.
   */
  async inBackground(body, ...args) {
    const target = await this.browser.waitForTarget((target) => target.type() === "service_worker", { timeout: 10_000 });
    const session = await target.createCDPSession();
    try {
      const expression = `(${body}).apply(null, ${JSON.stringify(args)})`;
      const answer = session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
      const { result, exceptionDetails } = await within(10, answer, "the background answers");
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    } finally {
      await session.detach().catch(() => undefined); // it may have ended meanwhile
    }
  }

  /** The toolbar button, until the panel is known to be there: the menu's handler, called without a person's gesture, would open a second one in a tab. */
  async click() {
    await this.tab.bringToFront();
    await this.tab.triggerExtensionAction(this.extension);
    const follows = async () => (await navigator.locks.query()).held.some(({ name }) => name === "safelight-panel");
    await until(() => this.panel(follows), "the panel follows the room", 20);
  }

  /** Right-click and “Check image”, as far as it goes: see the top of this file. */
  async menu(selector, { frame } = {}) {
    await this.tab.bringToFront();
    if (!(await this.isOpen())) await this.click();
    else await this.grant();
    const where = frame === undefined ? this.tab : await (await this.tab.$(frame)).contentFrame();
    // The browser leaves out what is longer than 2 MB.
    const srcUrl = await where.$eval(selector, (image) => [image.currentSrc || image.src].find(({ length }) => length <= 2 << 20) ?? null);
    await this.awake();
    await this.inBackground(
      async (srcUrl, inFrame) => {
        const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
        const info = { menuItemId: "check-image", mediaType: "image", srcUrl: srcUrl ?? undefined, pageUrl: tab.url, editable: false, frameId: 0 };
        if (inFrame) info.frameId = 1; // some frame that is not the page's own; the browser refuses it all the same
        chrome.contextMenus.onClicked.dispatch(info, tab);
      },
      srcUrl,
      frame !== undefined,
    );
  }

  /** The toolbar's click on this page; it opens the panel, which is open already. */
  async grant() {
    await this.tab.triggerExtensionAction(this.extension);
  }

  /** Starts the background by a click if the browser has stopped it. */
  async awake() {
    if ((await this.background()) === undefined) await this.grant();
  }

  sideTarget() {
    return this.browser.waitForTarget((target) => target.url().endsWith("/panel.html"), { timeout: 30_000 });
  }

  async side() {
    return (await this.sideTarget()).asPage();
  }

  /** A panel that is closed while it is asked gives no answer. */
  async panel(body, ...args) {
    const side = await this.side();
    return within(10, side.evaluate(`(${body}).apply(null, ${JSON.stringify(args)})`), "the panel answers");
  }

  /** A person's click, as far as the panel can tell. One by the mouse would wait for the panel to be drawn, and a browser may have stopped drawing it. */
  async press(selector) {
    const session = await (await this.sideTarget()).createCDPSession();
    try {
      const click = (selector) => {
        const element = document.querySelector(selector);
        if (!element.checkVisibility() || element.disabled) throw new Error(`${selector} cannot be clicked`);
        element.click();
      };
      const expression = `(${click})(${JSON.stringify(selector)})`;
      const { exceptionDetails } = await within(20, session.send("Runtime.evaluate", { expression, userGesture: true }), `a click on ${selector}`);
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    } finally {
      await session.detach().catch(() => undefined);
    }
  }

  /** A file chosen in the panel. */
  async choose(selector, path) {
    await (await (await this.side()).$(selector)).uploadFile(path);
  }

  async isOpen() {
    return this.browser.targets().some((target) => target.url().endsWith("/panel.html"));
  }

  async closePanel() {
    const panel = await this.sideTarget();
    await (await panel.asPage()).evaluate(() => window.close()).catch(() => undefined);
    await this.gone(panel);
  }

  /** Stops the background as the browser does, unless it has already. The next one may have the same name, but not the mark. */
  async kill() {
    const targetId = await this.background();
    if (targetId === undefined) return;
    await this.inBackground(() => void (globalThis.isMarked = true));
    const session = await this.browser.target().createCDPSession();
    await session.send("Target.closeTarget", { targetId });
    await session.detach();
    const isNamedElse = async () => (await this.background()) !== targetId;
    // Nobody looks inside at first: one that is looked at does not end.
    const isAnother = async () => (await isNamedElse()) || !(await this.inBackground(() => globalThis.isMarked === true));
    await until(isNamedElse, "the background has stopped", 5).catch(() => until(isAnother, "the background has stopped"));
  }

  /** Until the browser has let go of `target` itself: by then there may be another of its kind. */
  gone(target) {
    return until(() => !this.browser.targets().includes(target), `${target.url()} is gone`);
  }

  /** What the person's “Allow” in the browser's own prompt does: no tool can press it. */
  async allowHosts(pattern) {
    const page = await this.browser.newPage();
    await page.goto("chrome://extensions/");
    await page.evaluate((id, pattern) => chrome.developerPrivate.addHostPermission(id, pattern), this.host, pattern);
    await page.close();
    await this.tab.bringToFront();
  }

  /** Another of the extension's pages, in a tab. */
  async openTab(name) {
    const page = await this.browser.newPage();
    await page.goto(`chrome-extension://${this.host}/${name}`);
    return page;
  }

  /** Closes the page's tab and goes on in a new one. */
  async replaceTab() {
    const before = this.tab;
    this.tab = await this.browser.newPage();
    await before.close();
  }

  /** Documents and workers of the extension besides the background and the panel. */
  rooms() {
    const urls = this.browser.targets().map((target) => target.url());
    return { rooms: urls.filter((url) => url.endsWith("/room.html")).length, workers: urls.filter((url) => url.endsWith("/worker.js")).length };
  }

  /** The whole panel or page, for people to look at: a browser that draws none fails no test, but it is said. */
  async screenshot(path, page) {
    // By hand: puppeteer's own holds up its later ones when one does not come.
    const take = async () => {
      const session = await (page ?? (await this.side())).createCDPSession();
      const { cssContentSize } = await session.send("Page.getLayoutMetrics");
      const { data } = await session.send("Page.captureScreenshot", { captureBeyondViewport: true, clip: { ...cssContentSize, scale: 1 } });
      writeFileSync(path, Buffer.from(data, "base64"));
    };
    await within(30, take(), "a screenshot").catch((error) => console.log(`# ${path}: ${error.message}`));
  }

  close() {
    return end(this.browser);
  }
}
