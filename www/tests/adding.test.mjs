// What is on the shelf when an addition fails, and who may clear it away; with a conversion that copies.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { addModel } from "../models/adding.ts";
import { proposedName } from "../models/files.ts";
import { dropModel, keptModels } from "../models/kept.ts";
import { openShelf } from "../shelf.ts";

const MIB = 1024 * 1024;
let entries, estimate, locks;

beforeEach(() => {
  entries = new Map();
  estimate = { quota: 100 * MIB, usage: 0 };
  locks = new Map();
  globalThis.location = { origin: "https://x.test" };
  globalThis.caches = {
    open: async () => ({
      match: async (url) => entries.get(url)?.clone(),
      keys: async () => [...entries.keys()].map((url) => ({ url })),
      delete: async (url) => entries.delete(url),
      put: async (url, response) => {
        const body = await response.blob();
        if (estimate.usage + body.size > estimate.quota) throw new DOMException("There is no room.", "QuotaExceededError");
        estimate.usage += body.size;
        entries.set(url, new Response(body, { headers: response.headers }));
      },
    }),
  };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { storage: { estimate: async () => estimate }, locks: { request, query } } });
});

/** Locks of one process: whoever asks for one that is held waits, or gets `null`. */
async function request(name, { ifAvailable = false }, work) {
  while (locks.has(name)) {
    if (ifAvailable) return work(null);
    await locks.get(name);
  }
  const holding = Promise.resolve(work({ name }));
  locks.set(name, holding.catch(() => undefined));
  return holding.finally(() => locks.delete(name));
}

const query = async () => ({ held: [...locks.keys()].map((name) => ({ name })) });

/** A checkpoint of one file whose pack is a copy of it. */
class Checkpoint {
  static headerBytes = () => 16;
  text = false;
  add(name, _head, bytes) {
    Object.assign(this, { name, bytes });
  }
  convert(_int8, kept) {
    const { name, bytes } = this;
    return {
      kept, done: 0, total: bytes, packBytes: bytes, checked: false,
      get wants() {
        return this.done < bytes ? { file: name, start: this.done, end: bytes } : null;
      },
      rehash(chunk) {
        this.done += chunk.length;
      },
      push(chunk) {
        this.rehash(chunk);
        return chunk.slice();
      },
      free() {},
    };
  }
  free() {}
}

const weights = new File([new Uint8Array(20 * MIB)], "model.safetensors", { lastModified: 1 });
/** A part at a time, as browsers give it. */
weights.slice = (start, end) => ({
  stream() {
    let at = start;
    const pull = (controller) => {
      if (at === end) return controller.close();
      const size = Math.min(MIB, end - at);
      at += size;
      controller.enqueue(new Uint8Array(size));
    };
    return new ReadableStream({ pull });
  },
});
const files = [new File(["{}"], "config.json"), weights];
const add = (engine = { Checkpoint }, { signal = new AbortController().signal, report = () => undefined } = {}) =>
  addModel({ source: { kind: "files", files }, int8: false, name: "x" }, { engine, hub: "", signal, report });

const onShelves = () => [...entries.values()].reduce((sum, { headers }) => sum + Number(headers.get("content-length")), 0);

test("a full disk keeps what has arrived, and so does a second attempt without room", async () => {
  estimate.quota = Infinity;
  const full = { ...estimate };
  globalThis.navigator.storage.estimate = async () => full; // it does not know how little room there is
  estimate.quota = 9 * MIB;
  await assert.rejects(add(), { code: "storage-full" });
  const arrived = onShelves();
  assert.ok(arrived > 4 * MIB, String(arrived));
  globalThis.navigator.storage.estimate = async () => estimate; // now it does
  await assert.rejects(add(), { code: "storage-full", message: /takes \d+ MB, and this browser has [01] MB left/ });
  assert.equal(onShelves(), arrived);
});

test("what fails without a code keeps it too, and is no picture's fault", async () => {
  class Failing extends Checkpoint {
    convert(...args) {
      const conversion = super.convert(...args);
      const push = conversion.push;
      conversion.push = function (chunk) {
        if (this.done > 8 * MIB) throw new TypeError("x is undefined");
        return push.call(this, chunk);
      };
      return conversion;
    }
  }
  await assert.rejects(add({ Checkpoint: Failing }), { code: "model-failed", message: "x is undefined" });
  assert.ok(onShelves() > 0);
});

test("a checkpoint that is damaged leaves nothing", async () => {
  class Damaged extends Checkpoint {
    convert(...args) {
      return Object.assign(super.convert(...args), { push: () => { throw Object.assign(new Error("no number"), { code: "not-finite" }); } });
    }
  }
  await assert.rejects(add({ Checkpoint: Damaged }), { code: "not-finite" });
  assert.equal(onShelves(), 0);
});

test("what another tab is adding is not thrown away, and who waits for it says so", async (t) => {
  const shelf = async (name) => {
    const opened = await openShelf(name);
    await opened.append(new Uint8Array(1000));
    await opened.settle();
  };
  await shelf("adding-left");
  await shelf("adding-running");
  let finish;
  const running = request("safelight-adding-running", {}, () => new Promise((resolve) => (finish = resolve)));
  await dropModel(null);
  assert.deepEqual([...entries.keys()], ["https://x.test/packs/adding-running/0"]);
  finish();
  await running;
  await dropModel(null);
  assert.equal(entries.size, 0);

  t.mock.timers.enable({ apis: ["setInterval"] });
  estimate.usage = estimate.quota; // the one that waits ends with a sentence when its turn comes
  const held = new Map();
  const first = globalThis.navigator.locks.request;
  globalThis.navigator.locks.request = async (name, options, work) => {
    if (options.ifAvailable) {
      held.set(name, request(name, {}, () => new Promise((resolve) => (finish = resolve))));
      return work(null);
    }
    return first(name, options, work);
  };
  const told = [];
  const waiting = add(undefined, { report: ({ stage }) => told.push(stage) });
  const failing = assert.rejects(waiting, { code: "storage-full" });
  while (told.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(25_000);
  assert.deepEqual(told, ["wait", "wait", "wait"]);
  finish();
  await failing;
});

test("a shelf that takes another's name has nothing left of the other", async () => {
  const put = async (name, chunks, value) => {
    const shelf = await openShelf(name);
    for (let index = 0; index < chunks; index += 1) {
      await shelf.append(new Uint8Array(100).fill(value));
      await shelf.settle();
    }
    return shelf;
  };
  await put("there", 3, 1);
  const shelf = await put("adding-x", 2, 2);
  await shelf.rename("there");
  const bytes = [];
  for await (const chunk of shelf.chunks()) bytes.push(...chunk);
  assert.deepEqual([bytes.length, new Set(bytes).size], [200, 1]);
  assert.deepEqual([...entries.keys()].sort(), ["https://x.test/packs/there/0", "https://x.test/packs/there/1"]);
});

test("a model from files is called what its config.json, its folder or its file is called", async () => {
  const config = (name) => new File([JSON.stringify({ _name_or_path: name })], "config.json");
  const file = (name) => new File([""], name);
  for (const [given, name] of [
    [[config("openai/clip-vit-large-patch14"), file("model.safetensors")], "clip-vit-large-patch14"],
    [[config("C:\\models\\my clip\\"), file("model.safetensors")], "my clip"],
    [[config("./"), file("street-clip.safetensors")], "street-clip"],
    [[file("config.json"), file("model.safetensors")], "my-model"],
    [[new File(["{}"], "config.json"), file("model-00001-of-00002.safetensors"), file("model-00002-of-00002.safetensors")], "my-model"],
    [[Object.assign(file("model.safetensors"), { webkitRelativePath: "big-clip/model.safetensors" })], "big-clip"],
  ])
    assert.equal(await proposedName(given), name);
});
