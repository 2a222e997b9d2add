// Starts real browsers and says what a test needs to know of the page.
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import puppeteer from "puppeteer-core";

const NAMES = {
  chromium: { variable: "CHROMIUM", names: ["chromium", "chromium-browser", "google-chrome"] },
  firefox: { variable: "FIREFOX", names: ["firefox-esr", "firefox"] },
};

/** What gives a browser WebGPU on a machine without a GPU: Chromium's switches and Firefox's preferences. */
export const WEBGPU = {
  chromium: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--ignore-gpu-blocklist"],
  firefox: { "dom.webgpu.enabled": true, "dom.webgpu.workers.enabled": true, "gfx.webgpu.ignore-blocklist": true },
};

/** What gives Chromium the GPU of this machine instead. */
const OWN_GPU = ["--enable-unsafe-webgpu", "--ignore-gpu-blocklist", "--enable-features=Vulkan"];

/**
 * A fresh profile of `chromium` or `firefox`, headless; `gpu`: with the GPU of this machine. A browser that is missing is an
 * error, not a skipped test.
 */
export async function launch(name, { gpu = false } = {}) {
  const common = { executablePath: findBrowser(name), headless: true, protocolTimeout: 600_000 };
  if (name === "firefox")
    return puppeteer.launch({ ...common, browser: "firefox", extraPrefsFirefox: WEBGPU.firefox });
  return puppeteer.launch({ ...common, args: ["--no-sandbox", ...(gpu ? OWN_GPU : WEBGPU.chromium)] });
}

/** The path of `chromium` or `firefox`. */
export function findBrowser(name) {
  const { variable, names } = NAMES[name];
  return process.env[variable] || findProgram(...names);
}

/** The first of these programs on the search path, or among the project's own tools. */
export function findProgram(...names) {
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "safelight/tools/bin")]) {
    for (const candidate of names) {
      try {
        accessSync(join(folder, candidate), constants.X_OK);
        return join(folder, candidate);
      } catch {
        // the next one
      }
    }
  }
  throw new Error(`no ${names.join(" or ")} on PATH (CHROMIUM and FIREFOX may name the browsers)`);
}

/** Opens the page and collects what a healthy page never has: console errors and uncaught exceptions. */
export async function openPage(browser, url, { width = 1280, height = 900 } = {}) {
  const page = await browser.newPage();
  page.setDefaultTimeout(180_000);
  // Else it looks at each animation frame, and a page that headless Firefox has stopped drawing gets none.
  const waitForFunction = page.waitForFunction.bind(page);
  page.waitForFunction = async (condition, options, ...args) => {
    try {
      return await waitForFunction(patient(condition), { polling: 100, ...options }, ...args);
    } catch (thrown) {
      const seen = await page.evaluate(() => document.body.innerText.slice(0, 2_000)).catch(String);
      throw new Error(`${thrown.message}\nwaiting for ${condition}\nThe page shows:\n${seen}`, { cause: thrown });
    }
  };
  await page.setViewport({ width, height });
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  return { page, errors };
}

/** Not yet, where `condition` throws: the element it asks about is still to come. Puppeteer would look once, and never again. */
function patient(condition) {
  return new Function("...args", `try { return (${condition})(...args); } catch { return false; }`);
}

/** Waits until the detector is ready, and returns the line at the top. */
export async function ready(page, timeout = 180_000) {
  await page.waitForFunction(() => document.getElementById("model").dataset.phase !== "opening", { timeout, polling: 100 });
  const state = await page.$eval("#model", (element) => `${element.dataset.phase}: ${element.innerText}`);
  if (!state.startsWith("ready")) throw new Error(`the detector is not ready: ${state}`);
  return page.$eval("#device-line", (element) => element.textContent);
}

/** What every card shows, the newest first. */
export function cards(page) {
  return page.$$eval(".card", describeCards);
}

/** Runs in the page. */
export function describeCards(elements) {
  return elements.map((card) => ({
    name: card.querySelector("h3").textContent,
    state: card.dataset.state,
    label: card.dataset.label ?? null,
    code: card.dataset.code ?? null,
    verdict: card.querySelector(".verdict").textContent,
    worth: card.querySelector(".worth").textContent,
    facts: card.querySelector(".facts").textContent,
    meta: card.querySelector(".meta").textContent,
    value: card.querySelector(".scale").getAttribute("aria-valuetext"),
    probability: Number(card.querySelector(".scale").style.getPropertyValue("--probability")),
  }));
}

/** Waits until no card waits or runs. */
export async function settled(page, count, timeout = 180_000) {
  await page.waitForFunction(
    (count) => {
      const states = [...document.querySelectorAll(".card")].map((card) => card.dataset.state);
      return states.length === count && states.every((state) => state === "done" || state === "failed");
    },
    { timeout, polling: 100 },
    count,
  );
  return cards(page);
}

export async function pick(page, ...paths) {
  const input = await page.$("#file");
  await input.uploadFile(...paths);
}

/** Gives the page a file as a drop or a paste would. */
export function give(page, how, name, type, base64) {
  return page.evaluate(
    (how, name, type, base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type }));
      if (how === "drop") {
        for (const kind of ["dragenter", "dragover", "drop"])
          document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        return;
      }
      // Firefox leaves the files out of a ClipboardEvent that a script makes, so this one carries them by hand.
      const event = new Event("paste", { bubbles: true, cancelable: true });
      Object.defineProperty(event, "clipboardData", { value: data });
      document.body.dispatchEvent(event);
    },
    how, name, type, base64,
  );
}
