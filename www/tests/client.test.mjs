// The client's recovery, against workers that do what each test says.
import assert from "node:assert/strict";
import test from "node:test";
import { Client } from "../client.ts";

const NAME = "Somewhere";
const VERDICT = { label: "real", probability: 0.1, device: { kind: "cpu", name: NAME } };
const PICTURE = new Blob(["picture"]);
const opened = ({ preference }) => ({ info: { device: { kind: preference === "cpu" ? "cpu" : "gpu", name: NAME } }, notices: [] });
const failed = (code) => ({ error: { code, message: `${code}!` } });
const SILENT = Symbol("says nothing");
const DIES = Symbol("dies");

/**
 * A client whose workers answer from `script(call)`: `call` has kind, input, preference, worker (counted from 1).
 * The answer is a reply without its id, or SILENT, or DIES; by default everything goes well.
 */
function studio(script = () => undefined, options = {}) {
  const log = [];
  const states = [];
  let workers = 0;
  const startWorker = () => {
    workers += 1;
    const number = workers;
    let preference = "";
    let ended = false;
    const worker = {
      onmessage: null, onerror: null, onmessageerror: null,
      terminate: () => {
        ended = true;
        log.push(`end ${number}`);
      },
      postMessage({ id, kind, input }) {
        if (kind === "open") preference = input.preference;
        log.push(`${kind} ${number}${kind === "open" ? ` ${preference}` : ""}`);
        queueMicrotask(async () => {
          const well = { open: opened(input), check: VERDICT, cancel: true }[kind];
          const reply = (await script({ kind, input, preference, worker: number, reply: (part) => worker.onmessage({ data: { id, ...part } }) })) ?? { result: well };
          if (ended || reply === SILENT) return;
          if (reply === DIES) worker.onerror({ message: "boom" });
          else worker.onmessage({ data: { id, ...reply } });
        });
      },
    };
    return worker;
  };
  const full = { models: "https://x/models/", pack: null, head: null, storedHead: null, preference: "auto", startWorker, onState: ({ phase }) => states.push(phase), ...options };
  return { log, states, open: () => Client.open(full) };
}

test("opens once and checks in order", async () => {
  const { log, states, open } = studio();
  const client = await open();
  const verdicts = await Promise.all([client.check(PICTURE), client.check(PICTURE)]);
  assert.deepEqual(verdicts, [VERDICT, VERDICT]);
  assert.deepEqual(log, ["open 1 auto", "check 1", "check 1"]);
  assert.deepEqual(states, ["opening", "ready"]);
});

test("a verdict from fewer threads is told once, with the device that is left", async () => {
  const left = { kind: "cpu", name: "one thread" };
  const { states, open } = studio(({ kind }) => (kind === "check" ? { result: { ...VERDICT, device: left } } : undefined));
  const client = await open();
  await client.check(PICTURE);
  await client.check(PICTURE);
  assert.deepEqual(client.opened.info.device, left);
  assert.deepEqual(client.opened.notices.map(({ code }) => code), ["threads-lost"]);
  assert.deepEqual(states, ["opening", "ready", "ready"]);
});

test("a bad picture fails alone, on the same worker", async () => {
  let count = 0;
  const { log, open } = studio(({ kind }) => (kind === "check" && ++count === 1 ? failed("picture-damaged") : undefined));
  const client = await open();
  const [bad, good] = await Promise.allSettled([client.check(PICTURE), client.check(PICTURE)]);
  assert.equal(bad.reason.code, "picture-damaged");
  assert.equal(good.value, VERDICT);
  assert.deepEqual(log, ["open 1 auto", "check 1", "check 1"]);
});

for (const [name, answer] of [["a lost device", failed("device-failed")], ["a dead worker", DIES], ["a panic", failed("worker-crashed")]]) {
  test(`${name} is replaced with the same preference, and the picture runs again`, async () => {
    const { log, open } = studio(({ kind, worker }) => (kind === "check" && worker === 1 ? answer : undefined));
    const client = await open();
    const notices = [];
    assert.equal(await client.check(PICTURE, { onNotice: ({ code }) => notices.push(code) }), VERDICT);
    assert.deepEqual(log, ["open 1 auto", "check 1", "end 1", "open 2 auto", "check 2"]);
    assert.deepEqual(notices, ["device-retried"]);
  });
}

test("after two failures the CPU does it, and stays", async () => {
  const { log, open } = studio(({ kind, preference }) => (kind === "check" && preference !== "cpu" ? failed("device-failed") : undefined));
  const client = await open();
  const notices = [];
  const results = await Promise.all([client.check(PICTURE, { onNotice: ({ code }) => notices.push(code) }), client.check(PICTURE)]);
  assert.deepEqual(results, [VERDICT, VERDICT]);
  assert.deepEqual(log, ["open 1 auto", "check 1", "end 1", "open 2 auto", "check 2", "end 2", "open 3 cpu", "check 3", "check 3"]);
  assert.deepEqual(notices, ["device-retried", "device-replaced"]);
  assert.deepEqual(client.opened.notices.map(({ code }) => code), ["device-replaced"]);
});

test("a picture that kills every worker fails alone; the next one gets the preferred device", async () => {
  let poison = true;
  const { log, open } = studio(({ kind }) => (kind === "check" && poison ? failed("worker-crashed") : undefined));
  const client = await open();
  await assert.rejects(client.check(PICTURE), { code: "worker-crashed" });
  poison = false;
  assert.equal(await client.check(PICTURE), VERDICT);
  assert.deepEqual(log.slice(-2), ["open 4 auto", "check 4"]);
});

test("a device that fails while opening is retried, then replaced", async () => {
  const { log, open } = studio(({ kind, preference }) => (kind === "open" && preference !== "cpu" ? failed("device-failed") : undefined));
  const client = await open();
  assert.equal(client.opened.info.device.kind, "cpu");
  assert.deepEqual(log, ["open 1 auto", "end 1", "open 2 auto", "end 2", "open 3 cpu"]);
});

test("a broken connection is told, not retried here", async () => {
  const { open, states } = studio(() => failed("network"));
  await assert.rejects(open(), { code: "network" });
  assert.deepEqual(states, ["opening", "failed"]);
});

test("cancelling one that waits does not touch the worker", async () => {
  const { log, open } = studio(async ({ kind }) => void (kind === "check" && (await new Promise((resolve) => setTimeout(resolve, 20)))));
  const client = await open();
  const abort = new AbortController();
  const first = client.check(PICTURE);
  const second = client.check(PICTURE, { signal: abort.signal });
  abort.abort();
  await assert.rejects(second, { code: "cancelled" });
  assert.equal(await first, VERDICT);
  assert.deepEqual(log, ["open 1 auto", "check 1"]);
});

test("a polite worker stops when asked", async () => {
  let stop = () => undefined;
  const { log, open } = studio(({ kind, reply }) => {
    if (kind === "check") {
      stop = () => reply(failed("cancelled"));
      return SILENT;
    }
    if (kind === "cancel") stop();
    return undefined;
  });
  const client = await open();
  const abort = new AbortController();
  const check = client.check(PICTURE, { signal: abort.signal });
  setTimeout(() => abort.abort(), 5);
  await assert.rejects(check, { code: "cancelled" });
  assert.deepEqual(log, ["open 1 auto", "check 1", "cancel 1"]);
});

test("a worker that hangs is ended, and the next picture gets a new one", async () => {
  const { log, open } = studio(({ kind, worker }) => (kind !== "open" && worker === 1 ? SILENT : undefined), { patience: { cancel: 20 } });
  const client = await open();
  const abort = new AbortController();
  const hung = client.check(PICTURE, { signal: abort.signal });
  const next = client.check(PICTURE);
  setTimeout(() => abort.abort(), 5);
  await assert.rejects(hung, { code: "cancelled" });
  assert.equal(await next, VERDICT);
  assert.deepEqual(log, ["open 1 auto", "check 1", "cancel 1", "end 1", "open 2 auto", "check 2"]);
});

test("a long silence counts as a lost device", async () => {
  const { log, open } = studio(({ kind, worker }) => (kind === "check" && worker === 1 ? SILENT : undefined), { patience: { silence: 20 } });
  const client = await open();
  assert.equal(await client.check(PICTURE), VERDICT);
  assert.deepEqual(log, ["open 1 auto", "check 1", "end 1", "open 2 auto", "check 2"]);
});

test("an opening that falls silent is begun anew", async () => {
  const { log, states, open } = studio(({ kind, worker }) => (kind === "open" && worker === 1 ? SILENT : undefined), { patience: { silence: 20 } });
  const client = await open();
  assert.equal(await client.check(PICTURE), VERDICT);
  assert.deepEqual(log, ["open 1 auto", "end 1", "open 2 auto", "check 2"]);
  assert.deepEqual(states, ["opening", "opening", "ready"]);
});

const MODEL = { source: { kind: "hub", id: "a/b", revision: "main" }, int8: false, name: null };

test("an addition that says nothing fails alone: the worker stays, and is asked to stop it", async () => {
  const { log, open } = studio(({ kind }) => (kind === "addModel" ? SILENT : undefined), { patience: { silence: 20 } });
  const client = await open();
  const adding = client.models("addModel", MODEL);
  const check = client.check(PICTURE);
  await assert.rejects(adding, { code: "model-failed" });
  assert.equal(await check, VERDICT);
  assert.deepEqual(log.sort(), ["addModel 1", "cancel 1", "check 1", "open 1 auto"]);
});

test("an addition that does not stop when asked is left behind, not ended with its worker", async () => {
  const { log, open } = studio(({ kind }) => (kind === "addModel" ? SILENT : undefined), { patience: { cancel: 20 } });
  const client = await open();
  const abort = new AbortController();
  const adding = client.models("addModel", MODEL, { signal: abort.signal });
  setTimeout(() => abort.abort(), 5);
  await assert.rejects(adding, { code: "cancelled" });
  assert.deepEqual(log.filter((line) => line.startsWith("end")), []);
});

test("what goes wrong while a model is added is no picture's fault, and replaces nothing", async () => {
  const { log, states, open } = studio(({ kind }) => (kind === "addModel" ? failed("model-failed") : undefined));
  const client = await open();
  await assert.rejects(client.models("addModel", MODEL), { code: "model-failed" });
  assert.deepEqual(log, ["open 1 auto", "addModel 1"]);
  assert.deepEqual(states, ["opening", "ready"]);
});

test("a panic while a model is added replaces the worker once, on the same device, and a check runs again", async () => {
  const { log, open } = studio(({ kind, worker }) => (kind === "addModel" ? failed("model-crashed") : kind === "check" && worker === 1 ? SILENT : undefined));
  const client = await open();
  const check = client.check(PICTURE);
  await assert.rejects(client.models("addModel", MODEL), { code: "model-crashed" });
  assert.equal(await check, VERDICT);
  assert.deepEqual(log, ["open 1 auto", "check 1", "addModel 1", "end 1", "open 2 auto", "check 2"]);
});

test("an addition outlives a picture that takes three workers along", async () => {
  let poison = true;
  const { log, open } = studio(({ kind }) => {
    if (kind === "addModel") return poison ? SILENT : { result: "added" };
    return kind === "check" && poison ? DIES : undefined;
  });
  const client = await open();
  const adding = client.models("addModel", MODEL);
  await assert.rejects(client.check(PICTURE), { code: "worker-crashed" });
  poison = false;
  assert.equal(await adding, "added");
  assert.ok(log.filter((line) => line.startsWith("addModel")).length > 1);
});

test("the list of models does not wait for a check", async () => {
  const { open } = studio(({ kind }) => (kind === "check" ? SILENT : kind === "listModels" ? { result: "list" } : undefined));
  const client = await open();
  client.check(PICTURE).catch(() => undefined);
  assert.equal(await client.models("listModels", {}), "list");
  client.close();
});

test("what comes next is told to the worker that is open, and to no other", async () => {
  const { log, open } = studio(({ kind, worker }) => (kind === "check" && worker === 1 ? DIES : undefined));
  const client = await open();
  client.expect(PICTURE);
  await client.check(PICTURE);
  client.close();
  client.expect(PICTURE);
  assert.deepEqual(log, ["open 1 auto", "expect 1", "check 1", "end 1", "open 2 auto", "check 2", "end 2"]);
});

test("closing stops everything", async () => {
  const { open } = studio(({ kind }) => (kind === "check" ? SILENT : undefined));
  const client = await open();
  const checks = [client.check(PICTURE), client.check(PICTURE)];
  await new Promise((resolve) => setTimeout(resolve, 5));
  client.close();
  for (const { reason } of await Promise.allSettled([...checks, client.check(PICTURE)])) assert.equal(reason.code, "cancelled");
});
