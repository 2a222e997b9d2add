// Trunk's post_build hook: writes the finished site's files and their SHA-256 into the service worker.
// Usage: node www/seal.mjs [DIR], by default the folder that trunk is filling.
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";

const site = process.argv[2] ?? process.env.TRUNK_STAGING_DIR;
if (!site) throw new Error("seal.mjs: no folder given");

/** Not kept by the service worker: itself, the server's headers, types, and what the store keeps: weights, the tokenizer. */
const LEFT_OUT = /^(sw\.js|_headers|.*\.d\.ts|models\/tokenizer\.json|models\/packs\/.*\.safetensors)$/;

const files = {};
const entries = await readdir(site, { recursive: true, withFileTypes: true });
for (const entry of entries.filter((entry) => entry.isFile())) {
  const file = join(entry.parentPath ?? entry.path, entry.name);
  const path = relative(site, file).split(sep).join("/");
  if (!LEFT_OUT.test(path)) files[path] = sha256(await readFile(file));
}
const list = JSON.stringify(Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))));

const worker = join(site, "sw.js");
const code = await readFile(worker, "utf8");
await writeFile(worker, `const SEALED_FILES=${list},SEALED_VERSION="${sha256(list).slice(0, 16)}";${code}`);

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
