import assert from "node:assert/strict";
import test from "node:test";
import { limited, pointAt } from "../page/limit.ts";
import { Session } from "../page/session.ts";

const POINTS = [
  { falsePositiveRate: 0.01, threshold: 0.9, truePositiveRate: 0.4 },
  { falsePositiveRate: 0.1, threshold: 0.7, truePositiveRate: 0.8 },
];
const done = (probability, label) => ({
  name: "done", verdict: { label, probability, thresholds: { real: 0.3, generated: 0.75 } }, figures: null, operatingPoints: POINTS, notice: null,
});

test("a stricter rate turns false alarms into doubt, and names both limits", () => {
  const strict = limited(done(0.8, "generated"), 0.01);
  assert.equal(strict.verdict.label, "unsure");
  assert.deepEqual(strict.verdict.thresholds, { real: 0.3, generated: 0.9 });
  assert.match(strict.notice.message, /Your limit: 90 %, at which 1 in 100 real pictures .* head’s own, 75 %/);
  assert.equal(limited(done(0.95, "generated"), 0.01).verdict.label, "generated");
  assert.equal(limited(done(0.1, "real"), 0.01).notice, null);
});

test("a laxer rate calls more pictures generated", () => {
  assert.equal(limited(done(0.72, "unsure"), 0.1).verdict.label, "generated");
  assert.equal(limited(done(0.72, "unsure"), null).verdict.label, "unsure");
});

test("a rate that this head was not measured at leaves its own limit, and says so", () => {
  const own = limited(done(0.8, "generated"), 0.02);
  assert.deepEqual([own.verdict.label, own.verdict.thresholds.generated], ["generated", 0.75]);
  assert.match(own.notice.message, /was not measured at 1 in 50 real pictures/);
  assert.equal(pointAt(POINTS, null), null);
});

test("whoever waits for a detector that cannot be opened hears of it", async () => {
  globalThis.document = { baseURI: "http://localhost/" };
  const settings = { preference: "cpu", pack: null, head: null, storedHead: null };
  const session = new Session(settings, () => undefined, () => undefined);
  const before = session.client();
  const opening = session.open("cpu"); // there is no Worker here
  await assert.rejects(before, { code: "browser-too-old" });
  await opening;
  await assert.rejects(session.client(), { code: "browser-too-old" });
});
