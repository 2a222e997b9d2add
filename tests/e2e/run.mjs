// Runs the end-to-end tests one file after another (they share two cores): `npm run e2e` those of the page,
// `npm run e2e extension` those of the extension, `npm run e2e page extension/options` these two files.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const SUFFIX = ".test.mjs";
const names = readdirSync(here, { recursive: true }).filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)).sort();
const isIn = (name, place) => name === place || dirname(name) === place;
const unknown = wanted.filter((place) => !names.some((name) => isIn(name, place)));
if (unknown.length > 0) throw new Error(`no test file ${unknown.join(", ")}; there are ${names.join(", ")}`);

const places = wanted.length === 0 ? ["."] : wanted;
// A test that fails leaves its browser open; with this flag its file ends all the same, where Node knows it (20.14).
const FORCE = ["--test-force-exit"];
const flags = spawnSync(process.execPath, [...FORCE, "--version"], { stdio: "ignore" }).status === 0 ? FORCE : [];
let failed = false;
for (const name of names.filter((name) => places.some((place) => isIn(name, place)))) {
  const { status } = spawnSync(process.execPath, ["--test", ...flags, `${here}${name}.test.mjs`], { stdio: "inherit" });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
