// Bundles the TypeScript: `node www/build.mjs` fills www/build/site (trunk's pre_build hook calls it),
// `node www/build.mjs --tests` fills www/build/tests for `node --test`, and
// `node www/build.mjs --extension SITE OUT` makes OUT/chromium and OUT/firefox around the engine of a built site.
import { build } from "esbuild";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BROWSERS, manifest } from "./extension/manifest.mjs";

const www = fileURLToPath(new URL(".", import.meta.url));
const common = { absWorkingDir: www, bundle: true, format: "esm", logLevel: "warning", charset: "utf8" };
const shipped = { ...common, platform: "browser", minify: true, legalComments: "none" };
/** The extension checks; a head is trained in the page. */
const TRAINING = /^safelight-training[._]/;
/** What splits captions goes where they are read. */
const TOKENIZER = /^safelight-tokenizer[._]/;

const [mode, ...paths] = process.argv.slice(2);
if (mode === "--tests") await buildTests();
else if (mode === "--extension") await buildExtension(...paths);
else await buildSite();

async function buildTests() {
  const tests = (await readdir(`${www}tests`)).filter((name) => name.endsWith(".test.mjs"));
  await rm(`${www}build/tests`, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: tests.map((name) => `tests/${name}`),
    outdir: "build/tests",
    entryNames: "[name]",
    platform: "node",
    target: "node18",
    external: ["node:*"],
    sourcemap: "inline",
  });
}

async function buildSite() {
  await rm(`${www}build/site`, { recursive: true, force: true });
  await build({
    ...shipped,
    entryPoints: [
      { in: "page/main.ts", out: "page" },
      { in: "page/page.css", out: "page" },
      { in: "page/train/train.css", out: "train" },
      { in: "worker.ts", out: "worker" },
      { in: "helper.ts", out: "helper" },
      { in: "sw.ts", out: "sw" },
    ],
    outdir: "build/site",
    splitting: true, // what only training needs is loaded when someone trains
    chunkNames: "part-[hash]",
    target: ["chrome113", "firefox115", "safari16.4"],
    external: ["./safelight.js*", "./safelight-tokenizer.js*", "./safelight-training.js*"], // made by wasm-bindgen, beside the worker; with a query when one failed
  });
}

/** The parts that only the extension has; the worker, the wasm and the models are the site's own files. */
async function buildExtension(site, out) {
  const { version } = JSON.parse(await readFile(join(www, "../package.json"), "utf8"));
  for (const browser of BROWSERS) {
    const folder = resolve(out, browser);
    await rm(folder, { recursive: true, force: true });
    await build({
      ...shipped,
      entryPoints: ["background.ts", "room.ts", "panel.ts", "panel.css", "options.ts", "options.css"].map((name) => `extension/${name}`),
      outdir: folder,
      target: ["chrome123", "firefox142"],
      define: { BROWSER: JSON.stringify(browser) },
    });
    for (const page of ["room", "panel", "options"]) await cp(join(www, `extension/${page}.html`), join(folder, `${page}.html`));
    await cp(join(www, "extension/icons"), join(folder, "icons"), { recursive: true });
    const captions = await copyModels(join(site, "models"), join(folder, "models"));
    const leftOut = captions ? [TRAINING] : [TRAINING, TOKENIZER];
    for (const start of ["worker.js", "helper.js"])
      for (const file of await reachable(site, start, leftOut)) await cp(join(site, file), join(folder, file));
    await writeFile(join(folder, "manifest.json"), manifest(browser, version));
  }
}

/** A script of the site, and the files beside it that it names, but for those `leftOut`: parts, engines, wasm. */
async function reachable(site, file, leftOut, found = new Set()) {
  if (found.has(file) || leftOut.some((pattern) => pattern.test(file))) return found;
  found.add(file);
  if (!file.endsWith(".js")) return found;
  const there = new Set(await readdir(site));
  for (const [, name] of (await readFile(join(site, file), "utf8")).matchAll(/["'](?:\.\/)?([\w-]+\.(?:js|wasm))["']/g))
    if (there.has(name)) await reachable(site, name, leftOut, found);
  return found;
}

/** The catalogue with the default pack and head, and those alone; the tokenizer only where the pack reads captions. Tells whether it does. */
async function copyModels(from, to) {
  const catalog = JSON.parse(await readFile(join(from, "catalog.json"), "utf8"));
  const chosen = (kind) => catalog[`${kind}s`].filter(({ id }) => id === catalog.default[kind]);
  const [packs, heads] = [chosen("pack"), chosen("head")];
  const manifests = await Promise.all(packs.map(async ({ url }) => JSON.parse(await readFile(join(from, url, "pack.json"), "utf8"))));
  const tokenizer = manifests.some(({ clip }) => clip.text) ? catalog.tokenizer : undefined;
  await mkdir(to, { recursive: true });
  await writeFile(join(to, "catalog.json"), JSON.stringify({ default: catalog.default, packs, heads, tokenizer }));
  for (const { url } of [...packs, ...heads, ...(tokenizer ? [tokenizer] : [])]) await cp(join(from, url), join(to, url), { recursive: true });
  return tokenizer !== undefined;
}
