// Training without a browser: the pass over pictures, folders, heads' files, and sentences.
import assert from "node:assert/strict";
import test from "node:test";
import { labelled, reportIn } from "../headfile.ts";
import { copies } from "../page/train/copies.ts";
import { CorrectedVerdicts } from "../page/train/corrected.ts";
import { fromDrop, fromFiles } from "../page/train/folder.ts";
import { Pass } from "../page/train/pass.ts";
import { Project } from "../page/train/project.ts";
import { byStage, truePositives } from "../page/train/plots.ts";
import { secondsLeft, stageWords } from "../page/train/run.ts";
import * as words from "../page/train/words.ts";
import { Problem } from "../protocol.ts";
import { epochsLeft } from "../training.ts";
import { headFile } from "../../tests/e2e/fake/heads.js";

const nothing = { failed: () => undefined, onState: () => undefined };

test("a pass goes through all, one at a time, and a bad picture fails alone", async () => {
  let at = 0;
  let most = 0;
  const failed = [];
  const states = [];
  const pass = new Pass([1, 2, 3, 4], {
    each: async (item) => {
      at += 1;
      most = Math.max(most, at);
      await new Promise((resolve) => setTimeout(resolve, 1));
      at -= 1;
      if (item === 2) throw new Problem("picture-damaged", "torn");
      return { known: item === 3 };
    },
    failed: (item, { code }) => failed.push([item, code]),
    onState: (state) => states.push(state),
  });
  await pass.run();
  assert.equal(most, 1);
  assert.deepEqual(failed, [[2, "picture-damaged"]]);
  assert.deepEqual([states.at(-1).done, states.at(-1).known, states.at(-1).failed], [4, 1, 1]);
});

test("a full disk ends a pass; a pause holds it; a cancel stops it", async () => {
  const full = new Pass([1, 2], { ...nothing, each: async () => { throw new Problem("storage-full", "full"); } });
  await assert.rejects(full.run(), { code: "storage-full" });

  const done = [];
  const pass = new Pass([1, 2, 3], { ...nothing, each: async (item) => (done.push(item), { known: false }) });
  pass.pause();
  const running = pass.run();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(done, []);
  pass.resume();
  await running;
  assert.deepEqual(done, [1, 2, 3]);

  const stopped = new Pass([1, 2], { ...nothing, each: (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) });
  const stopping = stopped.run();
  await new Promise((resolve) => setTimeout(resolve, 1));
  stopped.cancel();
  await assert.rejects(stopping, { code: "cancelled" });
});

test("an input's files lose the folder's own name, and a system's files", () => {
  const file = (webkitRelativePath) => ({ webkitRelativePath, name: webkitRelativePath.split("/").at(-1) });
  const folder = fromFiles(["set/real/b.jpg", "set/real/a.jpg", "set/.DS_Store", "set/__MACOSX/real/a.jpg"].map(file));
  assert.equal(folder.name, "set");
  assert.deepEqual(folder.entries.map(({ path }) => path), ["real/a.jpg", "real/b.jpg"]);
});

test("a dropped folder is walked to its end, though a reader gives a hundred at a time", async () => {
  const file = (name) => ({ name, isDirectory: false, isFile: true });
  const folder = (name, children) => ({
    name,
    isDirectory: true,
    createReader: () => {
      const left = [...children];
      return { readEntries: (resolve) => resolve(left.splice(0, 100)) };
    },
  });
  const many = Array.from({ length: 250 }, (_, index) => file(`${index}.jpg`));
  const data = { items: [{ webkitGetAsEntry: () => folder("set", [folder("real", many), file("notes.txt")]) }] };
  const { name, entries, handle } = await fromDrop(data, new AbortController().signal, () => undefined);
  assert.deepEqual([name, entries.length, handle], ["set", 251, null]);
  assert.ok(entries.some(({ path }) => path === "real/249.jpg"));
  assert.equal(fromDrop({ items: [{ webkitGetAsEntry: () => file("a.jpg") }] }, new AbortController().signal, () => undefined), null);
});

const tier = { tier: "as-given", n: 40, auc: { value: 0.9, interval: [0.8, 0.95] }, accuracy: null, tprAt1: null, tprAt5: null, fprAtThreshold: null, expectedCalibrationError: null, reason: null, sources: [], roc: [[0, 0], [1, 1]], reliability: [], confusion: { generated: { generated: 1, unsure: 1, real: 1 }, real: { generated: 1, unsure: 1, real: 1 } } };
const report = { pictures: 40, generated: 20, real: 20, sources: 2, folds: 2, grouped: true, tiers: [tier], worst: [], audit: null, config: {}, warnings: [] };

test("a head's file takes a name and a report, and keeps its tensors", () => {
  const plain = headFile({ id: "a", name: "A" });
  assert.equal(reportIn(plain), null);
  const full = labelled(plain, { report });
  assert.deepEqual(reportIn(full), report);
  const renamed = labelled(full, { name: "Ü" });
  assert.match(new TextDecoder().decode(renamed), /\\"name\\":\\"Ü\\"/);
  assert.deepEqual(reportIn(renamed), report);
  assert.deepEqual(renamed.slice(-4), plain.slice(-4));
  assert.equal(new DataView(renamed.buffer).getBigUint64(0, true) % 8n, 0n);
  assert.equal(labelled(renamed, { name: "Ü" }), renamed);
});

test("what is no head, or carries a report of another shape, is found out", () => {
  assert.throws(() => reportIn(new Uint8Array(4)), { code: "head-format" });
  assert.throws(() => reportIn(new TextEncoder().encode("x".repeat(200))), { code: "head-format" });
  for (const broken of [{ ...report, tiers: [{ ...tier, auc: 0.9 }] }, { ...report, tiers: [{ ...tier, roc: "no" }] }, { ...report, pictures: "40" }, { ...report, audit: {} }])
    assert.equal(reportIn(labelled(headFile({ id: "a", name: "A" }), { report: broken })), null);
});

const epoch = (over) => ({ stage: "fold", fold: 0, folds: 2, epoch: 0, epochs: 10, loss: 1, validationAuc: null, ms: 1000, ...over });

test("the time left counts every stage that is to come", () => {
  assert.equal(epochsLeft(epoch({ epoch: 3 }), null), 6 + 2 * 10);
  assert.equal(epochsLeft(epoch({ epoch: 3 }), 5), 1 + 2 * 5);
  assert.equal(epochsLeft(epoch({ stage: "final", fold: 1, epoch: 9 }), null), 0);
  assert.equal(epochsLeft(epoch({ stage: "final", fold: 1, epoch: 6, epochs: 7 }), 8), 0);
  assert.equal(secondsLeft([], 30), null);
  assert.equal(secondsLeft([epoch({}), epoch({ ms: 3000 })], 4), 8);
  assert.equal(stageWords(epoch({ epoch: 3, fold: 1 }), 5), "Measuring, part 2 of 2: epoch 4 of 5");
  assert.equal(byStage([epoch({}), epoch({ epoch: 1 }), epoch({ fold: 1 })]).length, 2);
});

test("a report says where the head learnt for fewer epochs, unless somebody stopped it", () => {
  const config = { epochs: 12 };
  assert.match(words.splitSentence({ ...report, epochs: 7, stopped: false, config }), /told apart best after 7 of 12 epochs, so the head learnt for as many\.$/);
  for (const others of [{ epochs: 12 }, { epochs: 7, stopped: true }, {}])
    assert.doesNotMatch(words.splitSentence({ ...report, config, ...others }), /epochs/);
});

test("a ROC curve is read between its points", () => {
  const roc = [[0, 0], [0, 0.4], [0.2, 0.8], [1, 1]];
  assert.ok(Math.abs(truePositives(roc, 0.1) - 0.6) < 1e-12);
  assert.ok(Math.abs(truePositives(roc, 0.6) - 0.9) < 1e-12);
  assert.equal(truePositives([], 0.5), 1);
});

test("sentences say what to do", () => {
  const audit = (value, low, high) => ({ nullAuc: { value, interval: [low, high] }, reason: null });
  assert.match(words.nullSentence(audit(0.52, 0.47, 0.57)), /next to nothing/);
  assert.match(words.nullSentence(audit(0.55, 0.48, 0.62)), /too few pictures to tell/);
  assert.match(words.nullSentence(audit(0.65, 0.6, 0.7)), /a little away/);
  assert.match(words.nullSentence(audit(0.85, 0.8, 0.9)), /Equalise both classes/);
  const model = { value: 0.95, interval: [0.92, 0.97] };
  assert.match(words.gainSentence(model, { value: 0.7, interval: [0.65, 0.75] }, false), /goes beyond that/);
  assert.match(words.gainSentence(model, { value: 0.9, interval: [0.86, 0.94] }, false), /Do not rely on it before you have trained with both classes equalised/);
  const equalised = words.gainSentence(model, { value: 0.9, interval: [0.86, 0.94] }, true);
  assert.match(equalised, /has not been shown to find more/);
  assert.doesNotMatch(equalised, /before you have trained/);
  assert.match(words.gainSentence(null, null, false), /too few pictures/);
  assert.equal(words.leftOutSentence({ foreign: 0, unaltered: 0 }, false), "");
  assert.match(words.leftOutSentence({ foreign: 2, unaltered: 1 }, true), /^2 corrected verdicts are left out: computed for another model.* 1 corrected verdict is left out: equalising needs its picture/);
  assert.equal(words.timeLeft(840), "about 14 minutes left");
  assert.equal(words.timeLeft(null), "");
});

test("the page calls nothing good of which the audit warns", () => {
  // The audit's own condition, see `warnings` in src/train/audit/mod.rs.
  const warns = (value, low) => value >= 0.6 && low > 0.5;
  const steps = Array.from({ length: 25 }, (_, index) => 0.38 + index * 0.025);
  for (const value of steps)
    for (const half of [0.02, 0.05, 0.1, 0.2]) {
      const [low, high] = [value - half, value + half];
      const said = words.nullSentence({ nullAuc: { value, interval: [low, high] }, reason: null });
      const where = `${value} (${low}–${high})`;
      if (warns(value, low)) assert.match(said, /a little away|Equalise both classes/, where);
      else assert.doesNotMatch(said, /Equalise both classes/, where);
      if (high >= 0.6) assert.doesNotMatch(said, /good\./, where);
      if (high >= 0.6) assert.doesNotMatch(words.captionSentence(9, true, { value, interval: [low, high] }), /good\./, where);
    }
  assert.match(words.nullSentence({ nullAuc: { value: 0.75, interval: [0.52, 0.95] }, reason: null }), /Equalise both classes/);
});

test("captions are off where they give the label away, and where nobody can tell", () => {
  const against = (value, half) => words.againstCaptions({ value, interval: [value - half, value + half] });
  assert.match(words.againstCaptions(null), /too few pictures/);
  assert.match(against(0.8, 0.1), /give the label away/);
  assert.equal(against(0.55, 0.1), null);
});

const factsOf = (sha256) => ({ width: 1, height: 1, format: "JPEG", bytes: 1, jpegQuality: null, jpegSubsampling: null, exif: false, sha256, perceptual: sha256 });
const correction = (sha256, generated, name = `${sha256}.jpg`) => ({ facts: factsOf(sha256), name, generated, caption: null, date: "2026-11-24" });

/** A folder whose pictures are `[path, sha256, generated]`, and corrected verdicts. */
function project(pictures, corrections) {
  const made = new Project({ name: "set", entries: [], handle: null });
  made.labelling = { pictures: pictures.map(([path, , generated]) => ({ path, source: "s", generated, text: null })), unknown: [], problems: [] };
  for (const [path, sha256] of pictures) made.facts.set(path, factsOf(sha256));
  made.corrections.all = corrections;
  return made;
}
const listed = (made) => made.pictures().map(({ name, generated }) => `${name} ${generated ? "generated" : "real"}`);

test("a corrected verdict counts for the folder's own picture, which is not there twice", () => {
  const made = project([["a.jpg", "aa", true], ["b.jpg", "bb", false]], [correction("aa", false), correction("cc", true, "b.jpg")]);
  assert.deepEqual(listed(made), ["a.jpg real", "b.jpg real", "b.jpg generated"]);
  assert.deepEqual(made.members().map(({ overruled }) => overruled), [true, false, false]);
  made.leaveOut([made.members()[2]]); // a correction that is called as a file of the folder is
  assert.deepEqual(listed(made), ["a.jpg real", "b.jpg real"]);
  made.leaveOut([made.members()[0]]);
  assert.deepEqual(listed(made), ["b.jpg real"]); // and does not come back as a correction
  made.corrections.wanted = false;
  assert.deepEqual(listed(made), ["b.jpg real"]);
});

test("of copies the corrected one stays, else the first, and of two labels neither", () => {
  const member = (name, corrected) => ({ picture: { name }, path: name, corrected, overruled: false });
  const members = [member("a", false), member("b", false), member("c", true), member("d", true)];
  const out = (a, b, acrossClasses) => [...copies(members, [{ a, b, kind: "near", acrossClasses }])].map(({ path }) => path);
  assert.deepEqual(out(0, 1, false), ["b"]);
  assert.deepEqual(out(0, 1, true), ["b", "a"]);
  assert.deepEqual(out(0, 2, false), ["a"]);
  assert.deepEqual(out(0, 2, true), ["a"]);
  assert.deepEqual(out(2, 3, true), ["d", "c"]);
});

test("a corrected verdict is learnt from only where what the training needs of it is kept", async () => {
  const kept = { aa: ["as-given", "web", "hard"], bb: [], cc: ["as-given", "web", "hard", "augmented-0"] };
  const call = async (kind, { pictures, treatments }) => {
    assert.equal(kind, "missing");
    return pictures.filter((picture) => treatments.some((treatment) => !kept[picture].includes(treatment)));
  };
  const lent = { client: async () => ({ call }) };
  const verdicts = new CorrectedVerdicts();
  verdicts.all = [correction("aa", true), correction("bb", true), correction("cc", true)];
  const { signal } = new AbortController();
  const used = (inFolder) => verdicts.beside(new Set(inFolder)).map(({ facts }) => facts.sha256);
  await verdicts.sort(lent, ["as-given", "web", "hard"], signal);
  assert.deepEqual(used([]), ["aa", "cc"]);
  assert.deepEqual(verdicts.leftOut(new Set()), { foreign: 1, unaltered: 0 });
  assert.deepEqual(verdicts.leftOut(new Set(["bb"])), { foreign: 0, unaltered: 0 }); // the folder has its picture
  await verdicts.sort(lent, ["as-given", "web", "hard", "augmented-0"], signal);
  assert.deepEqual(used([]), ["cc"]);
  assert.deepEqual(verdicts.leftOut(new Set()), { foreign: 1, unaltered: 1 });
});
