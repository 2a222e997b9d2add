// The manifests of both browsers, from one source. Every permission is justified in README.md, and
// tests/e2e/extension/ fails when the browser grants another.

/** Scripts and wasm of the extension itself; no remote code, no frame around it. Pictures may be fetched from
 *  hosts that the person allowed (capture.ts), so `connect-src` is closed in the pages instead of here. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self' data: http: https:",
  "worker-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const ICONS = Object.fromEntries([16, 32, 48, 128].map((side) => [side, `icons/${side}.png`]));

/** Readable pages while the person asks, the menu entry, and running a reader in the page. */
const PERMISSIONS = ["activeTab", "contextMenus", "scripting"];

const COMMON = {
  manifest_version: 3,
  name: "Safelight",
  description: "Right-click a picture to find out whether an image generator made it. The picture stays on this device.",
  icons: ICONS,
  optional_host_permissions: ["http://*/*", "https://*/*"],
  action: { default_title: "Safelight", default_icon: ICONS },
  options_ui: { page: "options.html", open_in_tab: true },
  content_security_policy: { extension_pages: POLICY },
  incognito: "not_allowed",
};

const OWN = {
  chromium: {
    minimum_chrome_version: "123",
    permissions: [...PERMISSIONS, "offscreen", "sidePanel"],
    background: { service_worker: "background.js", type: "module" },
    side_panel: { default_path: "panel.html" },
    // Isolated, so that the CPU path may use all cores (threads.ts). Firefox knows no such keys and keeps one thread.
    cross_origin_embedder_policy: { value: "require-corp" },
    cross_origin_opener_policy: { value: "same-origin" },
  },
  firefox: {
    permissions: [...PERMISSIONS, "storage"],
    background: { scripts: ["background.js"], type: "module" },
    sidebar_action: { default_title: "Safelight", default_panel: "panel.html", default_icon: ICONS, open_at_install: false },
    browser_specific_settings: {
      gecko: {
        id: "safelight@safelight.invalid",
        strict_min_version: "142.0",
        data_collection_permissions: { required: ["none"] },
      },
    },
  },
};

export const BROWSERS = Object.keys(OWN);

/** The manifest for `chromium` or `firefox`, as text. */
export function manifest(browser, version) {
  return `${JSON.stringify({ ...COMMON, version, ...OWN[browser] }, null, 2)}\n`;
}
