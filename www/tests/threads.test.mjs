// The threads of the CPU path: the model's worker asks, its page starts and ends them.
import assert from "node:assert/strict";
import test from "node:test";
import { Connection } from "../connection.ts";
import { Problem } from "../protocol.ts";
import { Threads } from "../threads.ts";

/** Three cores, and a model's worker whose page starts helpers that do what `script(number)` says: "ready", "fails" or "refused". */
function studio(script) {
  const log = [];
  const helpers = [];
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { hardwareConcurrency: 3 } });
  globalThis.Worker = class {
    constructor() {
      this.number = helpers.push(this);
      if (script(this.number) === "refused") throw new Error("no worker for you");
    }
    postMessage({ module }) {
      log.push(`begin ${this.number} ${module}`);
      queueMicrotask(() => (script(this.number) === "ready" ? this.onmessage() : this.onerror()));
    }
    terminate() {
      log.push(`end ${this.number}`);
    }
  };
  const model = { postMessage: (message) => queueMicrotask(() => threads.hear(message)), terminate: () => log.push("end model") };
  const connection = new Connection(model);
  const threads = new Threads((order) => queueMicrotask(() => model.onmessage({ data: order })));
  return { log, threads, connection };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 1));

test("one helper for each further core, ended when they are stopped", async () => {
  const { log, threads } = studio(() => "ready");
  const helpers = await threads.start("module", "memory");
  assert.equal(helpers.count, 2);
  assert.deepEqual(log, ["begin 1 module", "begin 2 module"]);
  helpers.stop();
  await settled();
  assert.deepEqual(log.slice(2), ["end 1", "end 2"]);
});

test("they end with the worker that asked for them", async () => {
  const { log, threads, connection } = studio(() => "ready");
  await threads.start("module", "memory");
  connection.end(new Problem("worker-crashed", "boom"));
  assert.deepEqual(log.slice(2), ["end model", "end 1", "end 2"]);
  const late = threads.start("module", "memory");
  await settled();
  assert.equal(log.length, 5, "an order that arrives after the end starts nobody");
  for (const helper of [3, 4]) threads.hear({ helper, ready: false });
  assert.equal((await late).count, 0);
});

for (const [fault, ended] of [["fails", ["end 1"]], ["refused", []]])
  test(`one that is ${fault === "fails" ? "broken" : fault} is left out, and the other computes`, async () => {
    const { log, threads } = studio((number) => (number === 1 ? fault : "ready"));
    assert.equal((await threads.start("module", "memory")).count, 1);
    await settled();
    assert.deepEqual(log.filter((line) => line.startsWith("end")), ended);
  });

test("one that says nothing is left out in the end", { timeout: 20_000 }, async () => {
  const orders = [];
  const threads = new Threads((order) => orders.push(order));
  assert.equal((await threads.start("module", "memory")).count, 0);
  assert.deepEqual(orders.filter(({ begin }) => begin === null).map(({ helper }) => helper), [1, 2]);
});
