// Firefox with the extension: here the native context menu is opened and clicked, and the sidebar is the real one.
import { WEBGPU } from "../browser.mjs";
import { ADDON, launchFirefox } from "./gecko.mjs";
import { limited, until, within } from "./until.mjs";

/** `prefs` are added to those that every test has. */
export async function openFirefox(folder, proxyPort, prefs = {}) {
  const gecko = await launchFirefox({
    ...WEBGPU.firefox,
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": proxyPort,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": proxyPort,
    "network.proxy.no_proxies_on": "",
    "network.proxy.allow_hijacking_localhost": true,
    "extensions.webextOptionalPermissionPrompts": false, // the prompt's “Allow”, which no tool can press
    "sidebar.visibility": "hide-sidebar",
    ...prefs,
  });
  try {
    await within(60, gecko.install(folder), "the extension is installed");
    const host = await within(30, gecko.chrome((id) => WebExtensionPolicy.getByID(id).mozExtensionHostname, ADDON), "the extension is there");
    return limited(new FirefoxDriver(gecko, host));
  } catch (thrown) {
    await gecko.close();
    throw thrown;
  }
}

class FirefoxDriver {
  name = "firefox";
  scheme = "moz-extension";
  /** What this browser asks by itself, with or without extensions, and no preference stops. */
  chatter = /^(firefox\.settings\.services|content-signature.*)\.mozilla\.(com|org)$/;
  permissions = ["activeTab", "contextMenus", "scripting", "storage"];

  /** Whether a page sees, as a fetch of its own, that the extension reads its picture. */
  readingIsSeen = true;

  constructor(gecko, host) {
    this.gecko = gecko;
    this.host = host;
  }

  goto(url) {
    return this.gecko.goto(url);
  }

  page(body, ...args) {
    return this.gecko.page(body, ...args);
  }

  /** The toolbar button, as its keyboard shortcut presses it. */
  async click() {
    await this.gecko.chrome((id) => {
      const { ExtensionParent } = ChromeUtils.importESModule("resource://gre/modules/ExtensionParent.sys.mjs");
      const { extension } = WebExtensionPolicy.getByID(id);
      ExtensionParent.apiManager.global.browserActionFor(extension).triggerAction(window);
    }, ADDON);
    await this.#opened();
  }

  #opened() {
    return until(() => this.isOpen(), "the sidebar is open", 30);
  }

  async menu(selector, { frame } = {}) {
    await this.gecko.contextMenu(selector, "Check image", frame);
    await this.#opened();
  }

  panel(body, ...args) {
    return this.gecko.sidebar(body, ...args);
  }

  press(selector) {
    return this.gecko.press(selector);
  }

  isOpen() {
    return this.gecko.chrome(() => {
      const panel = document.getElementById("sidebar").contentDocument?.getElementById("webext-panels-browser");
      return SidebarController.isOpen && (panel?.browsingContext?.currentWindowGlobal?.documentURI?.spec ?? "").endsWith("/panel.html");
    });
  }

  closePanel() {
    return this.gecko.chrome(() => SidebarController.hide());
  }

  /** Stops the background as the browser does, whatever it is doing. */
  kill() {
    return this.gecko.chrome(
      (id) => WebExtensionPolicy.getByID(id).extension.terminateBackground({ ignoreDevToolsAttached: true, disableResetIdleForTest: true }),
      ADDON,
    );
  }

  async allowHosts() {}

  /** Another of the extension's pages, in a tab of its own, which `page` and `choose` then work in. */
  openTab(name) {
    return this.gecko.openTab(`moz-extension://${this.host}/${name}`);
  }

  replaceTab() {
    return this.gecko.replaceTab();
  }

  /** Documents of the extension besides the background and the panel; workers cannot be counted from outside. */
  async rooms() {
    const views = await this.gecko.chrome((id) => [...WebExtensionPolicy.getByID(id).extension.views].map(({ uri }) => uri.spec), ADDON);
    return { rooms: views.filter((url) => url.endsWith("/room.html")).length };
  }

  /** A file chosen in the tab. */
  choose(selector, path) {
    return this.gecko.type(selector, path);
  }

  screenshot(path) {
    return this.gecko.screenshot(path);
  }

  close() {
    return this.gecko.close();
  }
}
