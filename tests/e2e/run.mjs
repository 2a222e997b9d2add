// Runs the end-to-end tests one file after another (they share two cores): `npm run e2e`, or `npm run e2e page store`.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const names = readdirSync(here).filter((name) => name.endsWith(".test.mjs")).map((name) => name.replace(".test.mjs", ""));
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`no test file ${unknown.join(", ")}; there are ${names.join(", ")}`);

let failed = false;
for (const name of names.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  const { status } = spawnSync(process.execPath, ["--test", `${here}${name}.test.mjs`], { stdio: "inherit" });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
