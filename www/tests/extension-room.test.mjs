// What keeps the extension going when the browser stops parts of it.
import assert from "node:assert/strict";
import test from "node:test";
import { Ledger, LONGEST_ADDRESS } from "../extension/ledger.ts";

/** `chrome.storage.session`, each call of which takes a moment. */
function memory(all = {}) {
  const soon = () => new Promise((resolve) => setTimeout(resolve, 2));
  return {
    all,
    writes: 0,
    async get() {
      return all;
    },
    async set(items) {
      this.writes += 1;
      await soon();
      Object.assign(all, structuredClone(items));
    },
    async remove(key) {
      await soon();
      delete all[key];
    },
  };
}

globalThis.FileReader ??= class {
  readAsDataURL(blob) {
    void blob.arrayBuffer().then((bytes) => {
      this.result = `data:${blob.type};base64,${Buffer.from(bytes).toString("base64")}`;
      this.onload();
    });
  }
};

const picture = (bytes) => new Blob([new Uint8Array(bytes)], { type: "image/jpeg" });
const entry = (id, state) => ({ id, state: { name: state } });
const kept = ({ all }) => Object.keys(all).filter((key) => key.startsWith("picture:")).sort();

test("a picture that is dropped while it is being kept is not kept", async () => {
  const browser = memory();
  const ledger = new Ledger(browser);
  ledger.keep("a", picture(10));
  ledger.keep("b", picture(10));
  ledger.drop("a");
  await ledger.settled();
  assert.deepEqual(kept(browser), ["picture:b"]);
});

test("pictures leave room for the entries, and make room when they are dropped", async () => {
  const browser = memory();
  const ledger = new Ledger(browser);
  for (const id of ["a", "b", "c"]) ledger.keep(id, picture(1_900_000));
  ledger.keep("long", picture(2_100_000));
  await ledger.settled();
  assert.deepEqual(kept(browser), ["picture:a"]);
  ledger.drop("a");
  ledger.keep("b", picture(1_900_000));
  await ledger.settled();
  assert.deepEqual(kept(browser), ["picture:b"]);
});

test("a memory that refuses one thing is asked for the next", async () => {
  const browser = memory();
  const { set } = browser;
  browser.set = async () => {
    throw new Error("QuotaExceededError");
  };
  const ledger = new Ledger(browser);
  ledger.keep("a", picture(10));
  await ledger.settled();
  browser.set = set;
  ledger.write([entry("b", "done")], new Map());
  await ledger.settled();
  assert.deepEqual(browser.all.saved.entries, [entry("b", "done")]);
});

test("what changes while it is written is written once more, and no address that is a picture", async () => {
  const browser = memory();
  const ledger = new Ledger(browser);
  const places = [["a", { tabId: 1, frameId: 0, url: "https://example.org/a.jpg" }], ["b", { tabId: 1, frameId: 0, url: `data:image/png;base64,${"A".repeat(LONGEST_ADDRESS)}` }]];
  for (let count = 0; count < 50; count += 1) ledger.write([entry("a", `state ${count}`)], new Map(places));
  await ledger.settled();
  assert.equal(browser.writes, 1);
  assert.deepEqual(browser.all.saved, { entries: [entry("a", "state 49")], places: places.slice(0, 1) });
});

test("pictures of checks that have ended, or that nobody knows, are not taken up", async () => {
  const saved = { entries: [entry("waits", "waiting"), entry("failed", "failed")], places: [] };
  const browser = memory({ saved, "picture:waits": "data:,w", "picture:failed": "data:,f", "picture:unknown": "data:,u" });
  const ledger = new Ledger(browser);
  const { entries, pictures } = await ledger.read();
  assert.equal(entries.length, 2);
  assert.deepEqual([...pictures], [["waits", "data:,w"]]);
  await ledger.settled();
  assert.deepEqual(kept(browser), ["picture:waits"]);
});

test("where the room does not end, nothing is kept", async () => {
  const ledger = new Ledger(null);
  ledger.keep("a", picture(10));
  ledger.write([], new Map());
  assert.deepEqual(await ledger.read(), { entries: [], places: [], pictures: new Map() });
});

/** The modules that talk, with a browser whose background answers what `answer` gives. */
async function talking(answer) {
  const said = [];
  globalThis.BroadcastChannel = class {
    postMessage(message) {
      said.push(message);
    }
  };
  globalThis.chrome = { runtime: { sendMessage: answer } };
  return { said, ...(await import("../extension/link.ts")), ...(await import("../extension/fetch-place.ts")) };
}

test("a background that was just being stopped is asked again, and one without a room is believed", async () => {
  const answers = [() => Promise.reject(new Error("Could not establish connection.")), () => undefined, () => true];
  const { reach, said } = await talking(async () => (answers.shift() ?? (() => false))());
  await reach({ kind: "hello" });
  assert.deepEqual(said, [{ kind: "hello" }]);
  await assert.rejects(reach({ kind: "clear" }), { code: "room-closed", message: /could not be started in this browser/ });
  assert.equal(said.length, 1);
});

test("a picture that the background never gives is a sentence, not the browser's error", async () => {
  const { fetchPlace } = await talking(() => Promise.reject(new Error("The message port closed before a response was received.")));
  const { kind, failure } = await fetchPlace({ tabId: 1, frameId: 0, url: null });
  assert.deepEqual([kind, failure.code], ["failed", "fetch-stopped"]);
  assert.match(failure.message, /^The browser stopped Safelight each time/);
});

test("an address that no permission can be asked for is a sentence too", async () => {
  await talking(() => undefined);
  globalThis.chrome.scripting = { executeScript: () => Promise.reject(new Error("Cannot access contents of the page.")) };
  globalThis.chrome.permissions = { contains: () => Promise.reject(new Error("Invalid host pattern.")) };
  const { capture } = await import("../extension/capture.ts");
  const fetched = await capture({ tabId: 1, frameId: 0, url: "http://[::1]/a.jpg" });
  assert.deepEqual([fetched.kind, fetched.failure.code], ["failed", "capture-failed"]);
  assert.equal((await capture({ tabId: 1, frameId: 0, url: "data:" })).failure.code, "picture-long");
});
