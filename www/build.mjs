// Bundles the TypeScript: `node www/build.mjs` fills www/build/site (trunk's pre_build hook calls it),
// `node www/build.mjs --tests` fills www/build/tests for `node --test`.
import { build } from "esbuild";
import { readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const www = fileURLToPath(new URL(".", import.meta.url));
const common = { absWorkingDir: www, bundle: true, format: "esm", logLevel: "warning", charset: "utf8" };

if (process.argv.includes("--tests")) {
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
} else {
  await rm(`${www}build/site`, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: [
      { in: "page/main.ts", out: "page" },
      { in: "page/page.css", out: "page" },
      { in: "page/train/train.css", out: "train" },
      { in: "worker.ts", out: "worker" },
      { in: "sw.ts", out: "sw" },
    ],
    outdir: "build/site",
    splitting: true, // what only training needs is loaded when someone trains
    chunkNames: "part-[hash]",
    platform: "browser",
    target: ["chrome113", "firefox115", "safari16.4"],
    external: ["./safelight.js"], // made by wasm-bindgen, beside the worker
    minify: true,
    legalComments: "none",
  });
}
