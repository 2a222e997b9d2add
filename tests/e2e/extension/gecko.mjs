// Firefox by geckodriver: the extension installed as a person would load it, the native context menu clicked, and
// the sidebar read where it stands. BiDi reaches neither menus nor sidebars; WebDriver's chrome scope does.
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { writeFileSync } from "node:fs";
import { findBrowser, findProgram } from "../browser.mjs";
import { within } from "./until.mjs";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
/** Seconds after which Firefox gives up a script or a page; a command then has its answer. */
const SCRIPT = 50;
/** Seconds for a command: more than for a script, less than the 90 that a step of a test has. */
const COMMAND = 75;
/** Seconds for a script in the sidebar, which is asked again and again. */
const SIDEBAR = 8;

export const ADDON = "safelight@safelight.invalid";

/** A fresh headless Firefox; `prefs` are added to those that keep it quiet. */
export async function launchFirefox(prefs = {}) {
  const driver = spawn(findProgram("geckodriver"), ["--port", "0", "--allow-system-access"], { stdio: ["ignore", "pipe", "ignore"] });
  const send = async (port, method, path, body) => {
    const options = { method, headers: { "Content-Type": "application/json" }, signal: AbortSignal.timeout(COMMAND * 1_000), ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`http://127.0.0.1:${port}/session${path}`, options);
    const { value } = await response.json();
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  try {
    const port = await within(30, portOf(driver), "geckodriver listens");
    const { sessionId } = await send(port, "POST", "", {
      capabilities: {
        alwaysMatch: {
          browserName: "firefox",
          timeouts: { script: SCRIPT * 1_000, pageLoad: SCRIPT * 1_000 },
          "moz:firefoxOptions": { binary: findBrowser("firefox"), args: ["-headless"], prefs: { ...QUIET, ...prefs } },
        },
      },
    });
    const close = async () => {
      // It waits behind a command that is stuck; Firefox ends all the same.
      await within(15, send(port, "DELETE", `/${sessionId}`), "the session ends").catch(() => undefined);
      killTree(driver.pid);
    };
    return new Firefox((method, path, body) => send(port, method, `/${sessionId}${path}`, body), close);
  } catch (thrown) {
    killTree(driver.pid);
    throw thrown;
  }
}

async function portOf(driver) {
  for await (const line of createInterface({ input: driver.stdout })) {
    const port = /Listening on [\d.]+:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    driver.stdout.resume(); // nobody reads what else it says
    return port;
  }
  throw new Error("geckodriver ended at once");
}

/** Ends a process and all that it started, and that they started. */
function killTree(root) {
  const processes = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [root];
  for (const parent of tree) tree.push(...processes.filter(([, ppid]) => ppid === parent).map(([pid]) => pid));
  for (const pid of tree) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it has ended
    }
  }
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

/**
 * A session is in one context at a time: the page's, or the browser's own window. So whatever needs several commands
 * has them in one turn, and turns follow each other.
 */
class Firefox {
  #send;
  #turns = Promise.resolve();

  constructor(send, close) {
    this.#send = send;
    this.close = close;
  }

  /** `work` when all that was asked before has ended, one way or the other. */
  #inTurn(work) {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  #inChrome(work) {
    return this.#inTurn(async () => {
      await this.#send("POST", "/moz/context", { context: "chrome" });
      try {
        return await work();
      } finally {
        await this.#send("POST", "/moz/context", { context: "content" });
      }
    });
  }

  #execute(body, args) {
    return this.#send("POST", "/execute/sync", { script: `return (${body}).apply(null, arguments)`, args });
  }

  install(path) {
    return this.#inTurn(() => this.#send("POST", "/moz/addon/install", { path, temporary: true }));
  }

  goto(url) {
    return this.#inTurn(() => this.#send("POST", "/url", { url }));
  }

  /** Runs an async function in the page. */
  page(body, ...args) {
    return this.#inTurn(() => this.#execute(body, args));
  }

  /** Runs an async function in the browser's own window. */
  chrome(body, ...args) {
    return this.#inChrome(() => this.#execute(body, args));
  }

  #element(selector) {
    return this.#send("POST", "/element", { using: "css selector", value: selector });
  }

  /** Types into an element of the page; into a file field, a path. */
  type(selector, text) {
    return this.#inTurn(async () => {
      const element = await this.#element(selector);
      await this.#send("POST", `/element/${element[ELEMENT]}/value`, { text });
    });
  }

  /** Opens a tab, which is the page from then on. */
  openTab(url) {
    return this.#inTurn(async () => {
      const { handle } = await this.#send("POST", "/window/new", { type: "tab" });
      await this.#send("POST", "/window", { handle });
      await this.#send("POST", "/url", { url });
    });
  }

  /** Closes the page's tab and goes on in a new one. */
  replaceTab() {
    return this.#inTurn(async () => {
      const { handle } = await this.#send("POST", "/window/new", { type: "tab" });
      await this.#send("DELETE", "/window");
      await this.#send("POST", "/window", { handle });
    });
  }

  /** Runs a function inside the open sidebar's document; WebDriver's own commands reach tabs only. */
  sidebar(body, ...args) {
    return this.chrome(
      async (script, args, timeout) => {
        const { currentWindowGlobal } = document.getElementById("sidebar").contentDocument.getElementById("webext-panels-browser").browsingContext;
        return currentWindowGlobal.getActor("MarionetteCommands").executeScript(script, args, { timeout });
      },
      `return (${body}).apply(null, arguments)`,
      args,
      SIDEBAR * 1_000,
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
    await this.#inChrome(() => this.#send("POST", "/actions", { actions: [{ type: "pointer", id: "mouse", actions: click }] }));
  }

  /** Opens the native context menu on an element, which may be in `frame`, and activates the entry with that label. */
  async contextMenu(selector, label, frame) {
    await this.#inTurn(async () => {
      if (frame !== undefined) await this.#send("POST", "/frame", { id: await this.#element(frame) });
      try {
        const origin = await this.#element(selector);
        const pointer = [{ type: "pointerMove", x: 0, y: 0, origin: { [ELEMENT]: origin[ELEMENT] } }, { type: "pointerDown", button: 2 }, { type: "pointerUp", button: 2 }];
        await this.#send("POST", "/actions", { actions: [{ type: "pointer", id: "mouse", actions: pointer }] });
      } finally {
        if (frame !== undefined) await this.#send("POST", "/frame", { id: null });
      }
    });
    await this.chrome(async (label) => {
      const menu = document.getElementById("contentAreaContextMenu");
      const becomes = async (state) => {
        for (const end = Date.now() + 20_000; menu.state !== state && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 50));
        return menu.state === state;
      };
      if (!(await becomes("open"))) throw new Error("the context menu did not open");
      const entry = [...menu.querySelectorAll("menuitem")].find((item) => item.label === label && !item.hidden);
      if (entry === undefined) menu.hidePopup();
      else menu.activateItem(entry);
      await becomes("closed");
      if (entry === undefined) throw new Error(`the context menu has no “${label}”`);
    }, label);
  }

  async screenshot(path) {
    writeFileSync(path, Buffer.from(await this.#inChrome(() => this.#send("GET", "/screenshot")), "base64"));
  }
}
