// What the terminal says about the pictures that the tests show to the page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hills } from "./pictures.mjs";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const dist = process.env.SAFELIGHT_SITE ?? join(root, "dist");

let expected;

/** Checks `hills.jpg` (0) and `hills.png` (1) at the terminal, with the model that the built site opens. */
export function askTerminal() {
  assert.ok(existsSync(join(dist, "safelight_bg.wasm")), "dist/ is not built: trunk build --config trunk.toml --release");
  // SAFELIGHT names a command that is built already.
  const [command, ...first] = process.env.SAFELIGHT ? [process.env.SAFELIGHT] : ["cargo", "run", "--quiet", "--bin", "safelight", "--"];
  const { stdout } = runAnyway(command, [...first, "check", "--json", "--device", "cpu", ...siteModel(), hills.jpeg, hills.png]);
  expected = stdout.trim().split("\n").map((line) => JSON.parse(line));
  for (const line of expected) assert.equal(line.error, undefined);
}

/** The page's probability is the terminal's. */
export function agrees(shown, index) {
  for (const card of shown) {
    assert.equal(card.state, "done", JSON.stringify(card));
    assert.ok(Math.abs(card.probability - expected[index].probability) <= 0.01, `${card.name}: ${card.probability} here, ${expected[index].probability} at the terminal`);
    assert.equal(card.label, expected[index].verdict);
  }
}

/** The pack and the head that the site opens by default, for the terminal. */
function siteModel() {
  const models = join(dist, "models");
  const catalog = JSON.parse(readFileSync(join(models, "catalog.json"), "utf8"));
  const url = (kind) => catalog[`${kind}s`].find(({ id }) => id === catalog.default[kind]).url;
  return ["--pack", join(models, url("pack")), "--head", join(models, url("head"))];
}

/** `safelight check` exits 1 when a picture is likely generated. */
function runAnyway(command, args) {
  try {
    return { stdout: execFileSync(command, args, { cwd: root, encoding: "utf8" }) };
  } catch (error) {
    if (error.status === 1) return { stdout: error.stdout };
    throw error;
  }
}
