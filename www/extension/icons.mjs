// Draws icons/*.png from the site's icon: `node www/extension/icons.mjs CHROMIUM`. Chromium takes no SVG in a manifest.
import { mkdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const svg = await readFile(new URL("../static/icon.svg", import.meta.url), "utf8");
const folder = fileURLToPath(new URL("icons/", import.meta.url));
const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
const page = await browser.newPage();
await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw;height:100vh}</style>${svg}`);
await mkdir(folder, { recursive: true });
for (const side of [16, 32, 48, 128]) {
  await page.setViewport({ width: side, height: side });
  await page.screenshot({ path: `${folder}${side}.png`, omitBackground: true });
}
await browser.close();
