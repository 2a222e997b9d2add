// The head as it was published, or not at all; and what the committed catalogue says of the committed heads.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, test } from "node:test";
import { fetchPinned } from "../catalog.ts";

const WHOLE = new Uint8Array([1, 2, 3, 4]);
const PINNED = { url: new URL("https://x/models/heads/a.safetensors"), bytes: 4, sha256: sha256(WHOLE) };
const real = globalThis.fetch;
let asked;

beforeEach(() => {
  globalThis.isSecureContext = true;
});
afterEach(() => {
  globalThis.fetch = real;
  delete globalThis.isSecureContext;
});

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Answers one request after the other with these bodies. */
function serve(...bodies) {
  asked = [];
  globalThis.fetch = async (_url, { cache }) => {
    asked.push(cache);
    return new Response(bodies.shift());
  };
}

const signal = new AbortController().signal;

test("a file that arrived whole is asked for once", async () => {
  serve(WHOLE);
  assert.deepEqual(await fetchPinned(PINNED, signal), WHOLE);
  assert.deepEqual(asked, ["default"]);
});

test("half a file, or another one, is fetched again around the cache", async () => {
  for (const wrong of [WHOLE.slice(0, 2), new Uint8Array([1, 2, 3, 5])]) {
    serve(wrong, WHOLE);
    assert.deepEqual(await fetchPinned(PINNED, signal), WHOLE);
    assert.deepEqual(asked, ["default", "reload"]);
  }
});

test("a file that is wrong twice is not used", async () => {
  serve(WHOLE.slice(0, 2), WHOLE.slice(0, 3));
  await assert.rejects(fetchPinned(PINNED, signal), { code: "network", message: "a.safetensors did not arrive as it was published." });
});

test("where nothing can be hashed, the length decides", async () => {
  globalThis.isSecureContext = false;
  serve(WHOLE.slice(0, 2), new Uint8Array([1, 2, 3, 5]));
  assert.equal((await fetchPinned(PINNED, signal)).length, 4);
});

test("the catalogue names each head as it is", async () => {
  // The tests run as bundles in www/build/tests.
  const models = new URL("../../../models/", import.meta.url);
  const { heads } = JSON.parse(await readFile(new URL("catalog.json", models), "utf8"));
  assert.ok(heads.length > 0);
  for (const { url, bytes, sha256: expected } of heads) {
    const file = await readFile(new URL(url, models));
    assert.deepEqual([file.length, sha256(file)], [bytes, expected], url);
  }
});
