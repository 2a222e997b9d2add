// Firefox by geckodriver: the extension installed as a person would load it, the native context menu clicked, and
// the sidebar read where it stands. BiDi reaches neither menus nor sidebars; WebDriver's chrome scope does.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { writeFileSync } from "node:fs";
import { findBrowser, findProgram } from "../browser.mjs";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const SCRIPT_MS = 600_000;

export const ADDON = "safelight@safelight.invalid";

/** A fresh headless Firefox; `prefs` are added to those that keep it quiet. */
export async function launchFirefox(prefs = {}) {
  const driver = spawn(findProgram("geckodriver"), ["--port", "0", "--allow-system-access"], { stdio: ["ignore", "pipe", "inherit"] });
  let port;
  for await (const line of createInterface({ input: driver.stdout })) {
    port = /Listening on [\d.]+:(\d+)/.exec(line)?.[1];
    if (port) break;
  }
  driver.stdout.resume();
  const send = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/session${path}`, { method, headers: { "Content-Type": "application/json" }, ...(body && { body: JSON.stringify(body) }) });
    const { value } = await response.json();
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  const { sessionId } = await send("POST", "", {
    capabilities: {
      alwaysMatch: {
        browserName: "firefox",
        timeouts: { script: SCRIPT_MS },
        "moz:firefoxOptions": { binary: findBrowser("firefox"), args: ["-headless"], prefs: { ...QUIET, ...prefs } },
      },
    },
  });
  return new Firefox((method, path, body) => send(method, `/${sessionId}${path}`, body), async () => {
    await send("DELETE", `/${sessionId}`).catch(() => undefined);
    driver.kill();
    if (driver.exitCode === null && driver.signalCode === null) await once(driver, "exit");
  });
}

/** Nothing of the browser's own on the network. */
const QUIET = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.region.network.url": "",
  "browser.search.update": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "dom.push.connection.enabled": false,
  "extensions.getAddons.cache.enabled": false,
  "extensions.systemAddon.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,#remote-settings-dummy/v1",
  "toolkit.telemetry.enabled": false,
};

class Firefox {
  constructor(send, close) {
    this.send = send;
    this.close = close;
  }

  install(path) {
    return this.send("POST", "/moz/addon/install", { path, temporary: true });
  }

  goto(url) {
    return this.send("POST", "/url", { url });
  }

  /** Runs an async function in the page. */
  page(body, ...args) {
    return this.send("POST", "/execute/sync", { script: `return (${body}).apply(null, arguments)`, args });
  }

  /** Runs an async function in the browser's own window. */
  chrome(body, ...args) {
    return this.inChrome(() => this.page(body, ...args));
  }

  async inChrome(work) {
    await this.send("POST", "/moz/context", { context: "chrome" });
    try {
      return await work();
    } finally {
      await this.send("POST", "/moz/context", { context: "content" });
    }
  }

  async element(selector) {
    return this.send("POST", "/element", { using: "css selector", value: selector });
  }

  /** Types into an element; into a file field, a path. */
  async type(selector, text) {
    const element = await this.element(selector);
    await this.send("POST", `/element/${element[ELEMENT]}/value`, { text });
  }

  /** Runs a function inside the open sidebar's document; WebDriver's own commands reach tabs only. */
  sidebar(body, ...args) {
    return this.chrome(
      async (script, args) => {
        const { currentWindowGlobal } = document.getElementById("sidebar").contentDocument.getElementById("webext-panels-browser").browsingContext;
        return currentWindowGlobal.getActor("MarionetteCommands").executeScript(script, args, { timeout: 60_000 });
      },
      `return (${body}).apply(null, arguments)`,
      args,
    );
  }

  /** A real click on an element of the sidebar. */
  async press(selector) {
    const inside = await this.sidebar((selector) => {
      const element = document.querySelector(selector);
      element.scrollIntoView({ block: "center" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    }, selector);
    const [x, y] = await this.chrome((inside) => {
      const sidebar = document.getElementById("sidebar");
      const panel = sidebar.contentDocument.getElementById("webext-panels-browser");
      const [outer, inner] = [sidebar, panel].map((element) => element.getBoundingClientRect());
      return [outer.x + inner.x + inside[0], outer.y + inner.y + inside[1]].map(Math.round);
    }, inside);
    const click = [{ type: "pointerMove", x, y }, { type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 }];
    await this.inChrome(() => this.send("POST", "/actions", { actions: [{ type: "pointer", id: "mouse", actions: click }] }));
  }

  /** Opens the native context menu on an element, and activates the entry with that label. */
  async contextMenu(selector, label) {
    const origin = await this.element(selector);
    const pointer = [{ type: "pointerMove", x: 0, y: 0, origin: { [ELEMENT]: origin[ELEMENT] } }, { type: "pointerDown", button: 2 }, { type: "pointerUp", button: 2 }];
    await this.send("POST", "/actions", { actions: [{ type: "pointer", id: "mouse", actions: pointer }] });
    return this.chrome(async (label) => {
      const menu = document.getElementById("contentAreaContextMenu");
      for (let wait = 0; menu.state !== "open" && wait < 100; wait += 1) await new Promise((resolve) => setTimeout(resolve, 50));
      const entry = [...menu.querySelectorAll("menuitem")].find((item) => item.label === label && !item.hidden);
      if (entry === undefined) {
        menu.hidePopup();
        return false;
      }
      menu.activateItem(entry);
      for (let wait = 0; menu.state !== "closed" && wait < 100; wait += 1) await new Promise((resolve) => setTimeout(resolve, 20));
      return true;
    }, label);
  }

  async screenshot(path) {
    writeFileSync(path, Buffer.from(await this.inChrome(() => this.send("GET", "/screenshot")), "base64"));
  }
}
