// Runs the end-to-end tests one file after another (they share two cores): `npm run e2e` those of the page,
// `npm run e2e extension` those of the extension, `npm run e2e page extension/options` these two files.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
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
const MINUTES = 60_000;
/** No file takes half as long, even on a busy machine. */
const LIMIT = 20 * MINUTES;

/** Runs one file in a process group of its own, which ends with it: a browser that was left over would slow down all that follow. */
async function runFile(name) {
  const child = spawn(process.execPath, ["--test", ...flags, `${here}${name}${SUFFIX}`], { stdio: "inherit", detached: true });
  const end = (signal = "SIGKILL") => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // all of it has ended
    }
  };
  const late = setTimeout(() => {
    console.error(`${name}${SUFFIX} is stopped after ${LIMIT / MINUTES} minutes`);
    end("SIGTERM"); // puppeteer's browsers have groups of their own, which it ends when it hears this
    setTimeout(() => end(), 10_000).unref();
  }, LIMIT);
  const interrupted = () => end("SIGTERM");
  process.once("exit", interrupted);
  const [status] = await once(child, "exit");
  clearTimeout(late);
  process.off("exit", interrupted);
  end();
  return status === 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
const failed = [];
for (const name of names.filter((name) => places.some((place) => isIn(name, place)))) {
  const start = Date.now();
  const passed = await runFile(name);
  if (!passed) failed.push(name);
  console.log(`# ${name}: ${passed ? "passed" : "failed"} in ${Math.round((Date.now() - start) / 1_000)} s`);
}
if (failed.length > 0) console.error(`These failed: ${failed.join(", ")}`);
process.exitCode = failed.length > 0 ? 1 : 0;
