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
  assert.match(worth({ label: "generated", caption: "unread" }, figures), /1 in 20 real photographs/);
  assert.match(worth({ label: "real", caption: "unread" }, figures), /1 in 3 generated pictures/);
  assert.match(worth({ label: "unsure", caption: "unread" }, figures), /2 in 5/);
  assert.match(figuresAtLength(figures, false), /84 times in 100 \(95 % interval 81 to 87\)/);
});

test("a head that was not measured says so", () => {
  const none = { ...figures, source: "too few pictures to say", n: 0 };
  for (const label of ["generated", "real", "unsure"]) assert.match(worth({ label, caption: "unread" }, none), /not measured/);
  assert.match(figuresAtLength(none, false), /^Nobody can say: .*not measured/);
  assert.match(figuresAtLength(figures, false), /They are dev\./);
});

test("figures that were measured with captions are not lent to a verdict without one", () => {
  for (const label of ["generated", "real", "unsure"]) {
    assert.match(worth({ label, caption: "missing" }, figures), /There, captions were weighed too; without one, as here/);
    for (const caption of ["used", "unread"]) assert.doesNotMatch(worth({ label, caption }, figures), /caption/);
  }
  assert.match(figuresAtLength(figures, true), /captions were weighed too/);
  assert.doesNotMatch(figuresAtLength(figures, false), /caption/);
});
