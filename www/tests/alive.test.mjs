// A connection that says nothing is given up, wherever it falls silent; one that is only slow is not.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { bodyOf, fetchAlive } from "../alive.ts";
import { whole } from "../chunks.ts";
import { Web } from "../models/web.ts";

const URL_OF_FILE = new URL("https://models.test/clip/model.safetensors");
const PATIENCE = 40;
const real = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = real;
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const aborted = (signal) =>
  new Promise((_, reject) => {
    const stop = () => reject(new DOMException("Stopped.", "AbortError"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
  });

/** Answers with these chunks, each after `ms`, and then with silence (`end` false), until the connection is closed. */
function serve(chunks, { ms = 0, end = true, init = {} } = {}) {
  const log = { closed: 0 };
  globalThis.fetch = async (_url, { signal }) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => (log.closed += 1));
    const left = [...chunks];
    const pull = async (controller) => {
      await pause(ms);
      const chunk = left.shift();
      if (chunk !== undefined) return controller.enqueue(new Uint8Array(chunk));
      if (!end) await aborted(signal);
      controller.close();
    };
    return new Response(new ReadableStream({ pull }), init);
  };
  return log;
}

test("an answer that does not come fails, and its connection is closed", async () => {
  let closed = false;
  globalThis.fetch = (_url, { signal }) => {
    signal.addEventListener("abort", () => (closed = true));
    return aborted(signal);
  };
  await assert.rejects(fetchAlive(URL_OF_FILE, {}, PATIENCE), { code: "network", message: /models\.test sent nothing/ });
  assert.equal(closed, true);
});

test("a body that stops in the middle fails, and its connection is closed", async () => {
  const log = serve([[1, 2], [3]], { end: false });
  const response = await fetchAlive(URL_OF_FILE, {}, PATIENCE);
  await assert.rejects(bodyOf(response, "model.safetensors"), { code: "network", message: /models\.test sent nothing/ });
  assert.equal(log.closed, 1);
});

test("slow bytes, and a reader that takes its time, are waited for", async () => {
  serve([[1], [2], [3], [4]], { ms: PATIENCE / 2, init: { status: 206, headers: { ETag: '"a"' } } });
  const response = await fetchAlive(URL_OF_FILE, {}, PATIENCE);
  assert.deepEqual([response.status, response.headers.get("ETag")], [206, '"a"']);
  const reader = response.body.getReader();
  const read = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    read.push(...next.value);
    await pause(2 * PATIENCE);
  }
  assert.deepEqual(read, [1, 2, 3, 4]);
});

test("who stops is told so, not that the network failed", async () => {
  for (const when of ["before", "meanwhile"]) {
    serve([[1]], { end: false });
    const abort = new AbortController();
    if (when === "before") abort.abort();
    else setTimeout(() => abort.abort(), 5);
    const reading = fetchAlive(URL_OF_FILE, { signal: abort.signal }, 60_000).then((response) => bodyOf(response, "x"));
    await assert.rejects(reading, (thrown) => thrown.name === "AbortError" || thrown.code === "cancelled", when);
  }
});

test("a model whose download falls silent goes on where it was, a few times, then says so", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  globalThis.fetch = async (_url, { signal, headers: { Range } }) => {
    asked.push(Range);
    const given = asked.length === 1 ? [new Uint8Array(10)] : [];
    const pull = (controller) => (given.length > 0 ? controller.enqueue(given.pop()) : aborted(signal));
    return new Response(new ReadableStream({ pull }), { status: 206 });
  };
  const web = new Web(new URL("https://models.test/clip/"), "", "", new AbortController().signal);
  const file = { name: "model.safetensors", bytes: 100, tag: "", sha256: null };
  let problem = null;
  const reading = whole(web.read(file, 0, 100)).catch((thrown) => (problem = thrown));
  for (let turn = 0; problem === null && turn < 100; turn += 1) {
    for (let task = 0; task < 5; task += 1) await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(10_000);
  }
  await reading;
  assert.equal(problem?.code, "network");
  assert.equal(asked.length, 4);
  assert.equal(asked[0], "bytes=0-99");
  assert.equal(asked[3], "bytes=10-99");
});
