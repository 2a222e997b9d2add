// Page and extension share code that looks elements up by id: each document must have those that its script asks for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

// The tests run as bundles in www/build/tests.
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The module and all that it imports, also on demand. */
function modules(path, found = new Map()) {
  if (found.has(path)) return found;
  const code = readFileSync(path, "utf8");
  found.set(path, code);
  for (const [statement, from] of code.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+\.ts)"/g))
    if (!/^import type/.test(statement)) modules(join(dirname(path), from), found);
  return found;
}

const DOCUMENTS = { "index.html": "www/page/main.ts", "www/extension/panel.html": "www/extension/panel.ts", "www/extension/options.html": "www/extension/options.ts" };

for (const [document, script] of Object.entries(DOCUMENTS)) {
  test(`${document} has what ${script} asks for`, () => {
    const html = readFileSync(join(root, document), "utf8");
    const has = (id) => html.includes(` id="${id}"`);
    const asked = [...modules(join(root, script))].flatMap(([path, code]) =>
      [...code.matchAll(/byId(?:<\w+>)?\("([\w-]+)"\)/g)].map(([, id]) => ({ id, path })),
    );
    assert.ok(asked.length > 5);
    assert.deepEqual(asked.filter(({ id }) => !has(id)), []);
  });
}
