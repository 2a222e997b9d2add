// Training as the built wasm offers it to the worker, on the CPU: a run that is stopped within an epoch, saved and
// resumed ends with the same bytes as one without a break.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server, browser, page;

before(async () => {
  server = await startServer(fileURLToPath(new URL("../../dist/", import.meta.url)));
  browser = await launch("chromium");
  page = await browser.newPage();
  await page.goto(`${server.url}models/catalog.json`); // any document of the origin
  await page.evaluate(async () => {
    const module = await import("/safelight-training.js");
    await module.default();
    const catalog = await (await fetch("/models/catalog.json")).json();
    const { url } = catalog.heads.find(({ id }) => id === catalog.default.head);
    const like = new Uint8Array(await (await fetch(`/models/${url}`)).arrayBuffer());

    /** Two clouds that overlap, of eight sources; each picture under two treatments. */
    const pictures = () => {
      const set = new module.TrainingSet(16, ["as-given", "web"]);
      let state = 1;
      const uniform = () => (state = (state * 16807) % 2147483647) / 2147483647 - 0.5;
      for (let index = 0; index < 160; index += 1) {
        const generated = index % 2 === 0;
        const features = Float32Array.from({ length: 32 }, () => uniform() + uniform() + (generated ? 0.35 : 0));
        const facts = {
          width: 500 + index, height: 400 + ((index * 7) % 90), format: "JPEG", bytes: 90_000 + index * 31, jpegQuality: 80 + (index % 10),
          jpegSubsampling: "4:2:0", exif: index % 3 === 0, sha256: String(index).padStart(64, "0"),
          perceptual: BigInt.asUintN(64, BigInt(index) * 0x9e3779b97f4a7c15n).toString(16).padStart(16, "0"),
        };
        set.add({ name: `${index}.jpg`, source: `s${index % 8}`, generated, facts }, features);
      }
      return set;
    };
    const epochs = async (trainer) => {
      const reports = [];
      for (let report; (report = await trainer.epoch(() => true)) !== null; ) reports.push({ ...report, ms: 0 });
      return reports;
    };
    const config = { ...module.preset("default"), width: 16, epochs: 3, batch: 32 };
    globalThis.training = { ...module, like, pictures, epochs, config, naming: { id: "mine", name: "Mine", date: "2026-11-24" } };
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
});

test("a session trains its folds, then the head, and a break changes nothing", async () => {
  const result = await page.evaluate(async () => {
    const { Trainer, pictures, epochs, config, naming, like } = globalThis.training;
    const set = pictures();
    const audit = await set.audit(() => true);
    const whole = await Trainer.create(set, config, null, "cpu");
    const { device } = whole;
    const reports = await epochs(whole);
    let broken = await Trainer.create(set, config, null, "cpu");
    const early = [{ ...(await broken.epoch(() => true)), ms: 0 }];
    const code = await broken.epoch((done) => done < 2).catch((error) => error.code);
    const state = await broken.state();
    broken.free();
    broken = await Trainer.resume(set, state, "cpu");
    set.free();
    const later = await epochs(broken);
    const [first, second] = [await whole.finish(naming, like), await broken.finish(naming, like)];
    return { device, audit, reports, code, resumed: [...early, ...later], heads: [[...first.head], [...second.head]], report: first.report };
  });
  assert.equal(result.code, "cancelled");
  assert.equal(result.device.kind, "cpu");
  assert.equal(result.audit.pictures, 160);
  const { folds } = result.reports[0];
  assert.ok(folds >= 2);
  assert.deepEqual(result.reports.map(({ stage, fold, epoch }) => `${stage} ${fold} ${epoch}`), [
    ...Array.from({ length: folds * 3 }, (_, index) => `fold ${Math.floor(index / 3)} ${index % 3}`),
    ...[0, 1, 2].map((epoch) => `final ${folds - 1} ${epoch}`),
  ]);
  assert.ok(result.reports.every(({ stage, validationAuc }) => (validationAuc === null) === (stage === "final")));
  assert.deepEqual(result.resumed, result.reports);
  assert.deepEqual(result.heads[1], result.heads[0]);
  assert.deepEqual(result.report.tiers.map(({ tier, n }) => `${tier} ${n}`), ["as-given 160", "web 160"]);
  assert.equal(result.report.config.loss.cvarAlpha, 0.8);
});

test("what cannot be trained with is refused by its code", async () => {
  const codes = await page.evaluate(async () => {
    const { Trainer, TrainingSet, pictures, config, like, preset } = globalThis.training;
    const code = async (attempt) => {
      try {
        await attempt();
        return null;
      } catch (error) {
        return error.code;
      }
    };
    const set = pictures();
    return [
      await code(() => Trainer.create(set, { ...config, dropout: 9 }, null, "cpu")),
      await code(() => Trainer.create(set, { ...config, epoch: 3 }, null, "cpu")),
      await code(() => Trainer.create(set, config, like, "cpu")), // a head for longer features
      await code(() => Trainer.create(new TrainingSet(16, ["web"]), config, null, "cpu")),
      await code(() => Trainer.resume(set, new Uint8Array(40), "cpu")),
      await code(() => new TrainingSet(16, ["sepia"])),
      await code(() => preset("Paper")),
    ];
  });
  assert.deepEqual(codes, ["train-config", "train-config", "head-format", "training-set", "train-state", "training-set", "train-config"]);
});
