// The service worker's answer for a module that is kept from its first use on.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, before, test } from "node:test";

const MODULE = Buffer.from("export {};");
const SCOPE = "https://x.test/safelight/";
const NAME = "safelight-tokenizer.js";
const listeners = {};
let room = true;
let kept, asked;

before(async () => {
  globalThis.self = { addEventListener: (kind, listener) => (listeners[kind] = listener), registration: { scope: SCOPE } };
  globalThis.SEALED_FILES = { [NAME]: createHash("sha256").update(MODULE).digest("hex") };
  globalThis.SEALED_VERSION = "1";
  globalThis.caches = { open: async () => ({ match: async (url) => kept.get(url)?.clone(), put }) };
  await import("../sw.ts");
});
afterEach(() => {
  room = true;
});

async function put(url, response) {
  if (!room) throw new DOMException("There is no room.", "QuotaExceededError");
  kept.set(url, response);
}

/** What a page gets for `address`. */
function answer(address) {
  asked = [];
  globalThis.fetch = async (url) => {
    asked.push(String(url.url ?? url));
    return new Response(MODULE);
  };
  let answered;
  listeners.fetch({ request: new Request(address), respondWith: (response) => (answered = response) });
  return answered;
}

test("a module that there is no room to keep is used all the same", async () => {
  kept = new Map();
  room = false;
  assert.equal(await (await answer(SCOPE + NAME)).text(), "export {};");
  assert.equal(kept.size, 0);
});

test("a module that is asked for again, under another query, is the one that is kept", async () => {
  kept = new Map();
  await answer(`${SCOPE}${NAME}?again=1`);
  assert.deepEqual([...kept.keys()], [SCOPE + NAME]);
  assert.equal(await (await answer(`${SCOPE}${NAME}?again=2`)).text(), "export {};");
  assert.deepEqual(asked, []);
});
