// Half precision against every case that the format has.
import assert from "node:assert/strict";
import test from "node:test";
import { fromHalf, toHalf } from "../half.ts";

const half = (value) => toHalf(Float32Array.of(value))[0];

test("every half is read and written as itself", () => {
  const all = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00 || (bits & 0x3ff) === 0);
  assert.deepEqual(toHalf(fromHalf(all)), all);
});

test("values between two halves go to the nearer, ties to the even one", () => {
  const floats = fromHalf(Uint16Array.of(0x3c00, 0x3c01, 0x3c02, 0x0001, 0x0002, 0x03ff, 0x0400));
  const between = (a, b, share) => floats[a] + (floats[b] - floats[a]) * share;
  assert.equal(half(between(0, 1, 0.5)), 0x3c00);
  assert.equal(half(between(1, 2, 0.5)), 0x3c02);
  assert.equal(half(between(0, 1, 0.51)), 0x3c01);
  assert.equal(half(between(3, 4, 0.5)), 0x0002);
  assert.equal(half(between(5, 6, 0.6)), 0x0400); // from subnormal to normal
  assert.equal(half(2 ** -26), 0);
});

test("the ends of the range", () => {
  assert.equal(half(65504), 0x7bff);
  assert.equal(half(65520), 0x7c00);
  assert.equal(half(-1e9), 0xfc00);
  assert.equal(half(-0), 0x8000);
  assert.ok(Number.isNaN(fromHalf(toHalf(Float32Array.of(NaN)))[0]));
});

test("a feature loses at most one part in 2,048", () => {
  for (let index = 1; index < 5_000; index += 1) {
    const value = Math.fround(Math.sin(index) * 10 ** ((index % 7) - 4));
    const error = Math.abs(fromHalf(toHalf(Float32Array.of(value)))[0] - value);
    assert.ok(error <= Math.max(Math.abs(value) / 2048, 2 ** -25), String(value));
  }
});
