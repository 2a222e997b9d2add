import assert from "node:assert/strict";
import test from "node:test";
import { figuresAtLength, share, percent, worth } from "../page/words.ts";

const figures = { source: "dev", n: 607, auc: 0.84, aucInterval: [0.81, 0.87], realCalledGenerated: 0.05, generatedCalledReal: 0.33, unsure: 0.4 };

test("rates read as people say them", () => {
  for (const [rate, words] of [[0, "none of the pictures"], [0.05, "1 in 20"], [0.33, "1 in 3"], [0.4, "2 in 5"], [0.5, "1 in 2"], [0.667, "2 in 3"], [0.0123, "1 in 81"], [0.9, "9 in 10"], [0.999, "nearly all pictures"]])
    assert.equal(share(rate, "pictures"), /pictures/.test(words) ? words : `${words} pictures`);
});

test("no estimate is certain", () => {
  assert.equal(percent(0.001), "< 1 %");
  assert.equal(percent(0.9999), "> 99 %");
  assert.equal(percent(0.873), "87 %");
});

test("each verdict says how often it is wrong", () => {
  assert.match(worth("generated", figures), /1 in 20 real photographs/);
  assert.match(worth("real", figures), /1 in 3 generated pictures/);
  assert.match(worth("unsure", figures), /2 in 5/);
  assert.match(figuresAtLength(figures), /84 times in 100 \(95 % interval 81 to 87\)/);
});
