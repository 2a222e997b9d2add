// The next picture made ready: when, at most one, and only for the bytes that it was made of.
import assert from "node:assert/strict";
import test from "node:test";
import { Ahead } from "../ahead.ts";

const bytes = (words) => new TextEncoder().encode(words);
const wait = () => new Promise((resolve) => setTimeout(resolve, 100));

/** A detector that writes down what it prepares, and what of that is freed. */
function studio(kind = "gpu", refuse = null) {
  const log = [];
  const prepare = (file) => {
    const words = new TextDecoder().decode(file);
    log.push(`prepare ${words}`);
    if (refuse !== null) throw refuse;
    return { words, free: () => log.push(`free ${words}`) };
  };
  const ahead = new Ahead((cause) => log.push(`crash ${cause.message}`));
  return { log, ahead, detector: { info: { device: { kind } }, prepare } };
}

test("not before the blocks that tell how fast the device is, then once, and the caller owns it", async () => {
  const { log, ahead, detector } = studio();
  ahead.expect(new Blob(["b"]));
  for (const done of [0, 1]) ahead.rest(detector, done);
  await wait();
  assert.deepEqual(log, []);
  for (const done of [2, 3, 4]) ahead.rest(detector, done);
  for (let turn = 0; turn < 20; turn += 1) await null; // what Rust does next, until it waits for the device
  assert.deepEqual(log, [], "the blocks that follow are handed to the device first");
  await wait();
  assert.equal((await ahead.take(Promise.resolve(bytes("b")))).words, "b");
  assert.equal(await ahead.take(Promise.resolve(bytes("b"))), null);
  assert.deepEqual(log, ["prepare b"]);
});

test("what is expected after those blocks is made ready at once; in the next check not", async () => {
  const { log, ahead, detector } = studio();
  ahead.rest(detector, 12);
  ahead.expect(new Blob(["b"]));
  await wait();
  assert.deepEqual(log, ["prepare b"]);
  await ahead.take(Promise.resolve(bytes("b")));
  ahead.expect(new Blob(["c"]));
  await wait();
  assert.deepEqual(log, ["prepare b"]);
});

test("one at most is held: another expectation, another file and an unreadable one free it", async () => {
  const { log, ahead, detector } = studio();
  ahead.rest(detector, 12);
  ahead.expect(new Blob(["b"]));
  await wait();
  ahead.expect(new Blob(["c"]));
  await wait();
  assert.equal(await ahead.take(Promise.resolve(bytes("other"))), null);
  ahead.rest(detector, 12);
  ahead.expect(new Blob(["d"]));
  await wait();
  assert.equal(await ahead.take(Promise.reject(new Error("gone"))), null);
  assert.deepEqual(log, ["prepare b", "free b", "prepare c", "free c", "prepare d", "free d"]);
});

test("what is taken back before its time is not made ready", async () => {
  const { log, ahead, detector } = studio();
  ahead.expect(new Blob(["b"]));
  ahead.rest(detector, 2);
  ahead.expect(null);
  await wait();
  assert.deepEqual(log, []);
});

test("a picture whose check begins meanwhile is left to it", async () => {
  const { log, ahead, detector } = studio();
  ahead.expect(new Blob(["b"]));
  ahead.rest(detector, 2);
  assert.equal(await ahead.take(Promise.resolve(bytes("b"))), null);
  await wait();
  assert.deepEqual(log, []);
});

test("nothing on the CPU", async () => {
  const { log, ahead, detector } = studio("cpu");
  ahead.expect(new Blob(["b"]));
  ahead.rest(detector, 2);
  await wait();
  assert.deepEqual(log, []);
});

test("one that cannot be read says so in its own check; a panic ends the worker", async () => {
  for (const [refuse, told] of [[Object.assign(new Error("x"), { code: "picture-format" }), []], [new WebAssembly.RuntimeError("boom"), ["crash boom"]]]) {
    const { log, ahead, detector } = studio("gpu", refuse);
    ahead.rest(detector, 2);
    ahead.expect(new Blob(["b"]));
    await wait();
    assert.deepEqual(log, ["prepare b", ...told]);
    assert.equal(await ahead.take(Promise.resolve(bytes("b"))), null);
  }
});
