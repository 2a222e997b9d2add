// Builds the page around the fake detector: tests/artifacts/fake-site, with a pack of a few megabytes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { headFile } from "./heads.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

export const PACK_BYTES = 6_000_000;

/**
 * `version` marks the page, so that a test can tell one build from another; `dimension`: floats in a row of features;
 * `captions`: the model has a text tower, and the site's head reads captions.
 */
export async function buildFakeSite({ version, dimension, captions = false } = {}) {
  const site = join(root, "tests/artifacts/fake-site");
  execFileSync(process.execPath, [join(root, "www/build.mjs")]);
  await rm(site, { recursive: true, force: true });
  await mkdir(join(site, "models/packs/fake"), { recursive: true });
  await mkdir(join(site, "models/heads"), { recursive: true });
  await cp(join(root, "www/build/site"), site, { recursive: true });
  await cp(join(root, "www/static"), site, { recursive: true });
  for (const name of ["safelight.js", "safelight-tokenizer.js", "safelight-training.js", "heads.js"]) await cp(join(here, name), join(site, name));
  if (dimension !== undefined) {
    const engine = join(site, "safelight.js");
    await writeFile(engine, (await readFile(engine, "utf8")).replace(/const DIMENSION = \d+;/, `const DIMENSION = ${dimension};`));
  }
  const mark = version === undefined ? "" : `<meta name="test-version" content="${version}" />`;
  const html = await readFile(join(root, "index.html"), "utf8");
  await writeFile(join(site, "index.html"), html.replace(/^.*data-trunk.*\n/gm, "").replace("</title>", `</title>${mark}`));

  const weights = Buffer.alloc(PACK_BYTES);
  for (let at = 0; at < PACK_BYTES; at += 4) weights.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
  const file = { name: "model.safetensors", bytes: PACK_BYTES, sha256: createHash("sha256").update(weights).digest("hex") };
  const models = join(site, "models");
  await writeFile(join(models, "packs/fake/model.safetensors"), weights);
  await writeFile(join(models, "packs/fake/pack.json"), JSON.stringify({ format: 1, id: "fake", name: "Fake CLIP", clip: { vision: {}, ...(captions ? { text: {} } : {}) }, files: [file] }));
  const head = headFile({ id: "fake", name: "fake head", date: "2026-11-24", captions });
  const tokenizer = Buffer.from("{}");
  await writeFile(join(models, "tokenizer.json"), tokenizer);
  await writeFile(join(models, "heads/fake.safetensors"), head);
  await writeFile(
    join(models, "catalog.json"),
    JSON.stringify({
      default: { pack: "fake", head: "fake" },
      hub: "hub/", // beside the catalogue: a hub of the site's own
      packs: [{ id: "fake", url: "packs/fake/" }],
      heads: [{ id: "fake", pack: "fake", url: "heads/fake.safetensors", bytes: head.length, sha256: createHash("sha256").update(head).digest("hex") }],
      tokenizer: { url: "tokenizer.json", bytes: tokenizer.length, sha256: createHash("sha256").update(tokenizer).digest("hex") },
    }),
  );
  execFileSync(process.execPath, [join(root, "www/seal.mjs"), site]);
  return { folder: site, sha256: file.sha256 };
}
