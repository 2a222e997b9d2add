// A copy of the built site whose only model is quick, for measurements that need the real wasm and many pictures:
//   node tests/bench/quick-site.mjs OUT [--site dist]
//   node tests/bench/page-memory.mjs --site OUT --counts 200,2000 --epochs 3
// The model has CLIP ViT-B/16's width, depth and feature length and random weights, but patches of 56 pixels: 17 tokens
// in place of 197. It has no head, only a blank one that reads what the site's own head reads.
import { execFileSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { site: { type: "string", default: "dist" } } });
const [out] = positionals;
if (out === undefined) throw new Error("which folder is the site to be written to?");

const ID = "quick";
const PATCH = 56;

rmSync(out, { recursive: true, force: true });
cpSync(values.site, out, { recursive: true, filter: (path) => !/\/models\/(packs|heads)\//.test(path) });
const models = (path) => join(values.site, "models", path);
const catalog = JSON.parse(readFileSync(models("catalog.json"), "utf8"));
const defaults = (list, key) => list.find(({ id }) => id === catalog.default[key]);
const base = JSON.parse(readFileSync(join(models(defaults(catalog.packs, "pack").url), "pack.json"), "utf8"));
const vision = { ...base.clip.vision, patch_size: PATCH };

const weights = safetensors(tensors(vision), {});
const file = pinned(weights);
const pack = { ...base, id: ID, name: "CLIP ViT-B/16's size, random, quick", source: "random numbers", clip: { vision }, files: [{ name: "model.safetensors", ...file }] };
write(`packs/${ID}/model.safetensors`, weights);
write(`packs/${ID}/pack.json`, JSON.stringify(pack));

const info = headInfo(readFileSync(models(defaults(catalog.heads, "head").url)));
const head = blank(info);
write(`heads/${ID}.safetensors`, head);
const packs = [{ id: ID, name: pack.name, licence: pack.licence, url: `packs/${ID}/` }];
const heads = [{ id: ID, pack: ID, url: `heads/${ID}.safetensors`, ...pinned(head) }];
write("catalog.json", JSON.stringify({ ...catalog, default: { pack: ID, head: ID }, packs, heads }));
execFileSync(process.execPath, [fileURLToPath(new URL("../../www/seal.mjs", import.meta.url)), out]);

/** Every tensor of an image tower of that shape, as [name, type, shape, bytes]; `src/clip/config.rs` has the list. */
function tensors({ image_size: side, patch_size: patch, width, layers, mlp, projection }) {
  const all = [];
  const vector = (name, shape, value) => all.push([name, "F32", shape, floats(shape, value)]);
  /** int8, `[out, in]`, of about unit gain: 73 is the deviation of a uniform byte. */
  const linear = (name, output, input) => {
    vector(`${name}.scale`, [output], () => 1 / (73 * Math.sqrt(input)));
    all.push([name, "I8", [output, input], randomFillSync(Buffer.alloc(output * input))]);
  };
  const norm = (name) => {
    vector(`${name}.weight`, [width], () => 1);
    vector(`${name}.bias`, [width], () => 0);
  };
  const noise = () => (Math.random() - 0.5) / 10;
  const embeddings = "vision_model.embeddings";
  vector(`${embeddings}.class_embedding`, [width], noise);
  vector(`${embeddings}.patch_embedding.weight`, [width, 3, patch, patch], noise);
  vector(`${embeddings}.position_embedding.weight`, [1 + (side / patch) ** 2, width], noise);
  norm("vision_model.pre_layrnorm");
  for (let index = 0; index < layers; index += 1) {
    const block = `vision_model.encoder.layers.${index}`;
    norm(`${block}.layer_norm1`);
    norm(`${block}.layer_norm2`);
    for (const [layer, output, input] of [...["q", "k", "v", "out"].map((name) => [`self_attn.${name}_proj`, width, width]), ["mlp.fc1", mlp, width], ["mlp.fc2", width, mlp]]) {
      linear(`${block}.${layer}.weight`, output, input);
      vector(`${block}.${layer}.bias`, [output], () => 0);
    }
  }
  norm("vision_model.post_layernorm");
  linear("visual_projection.weight", projection, width);
  return all;
}

/** A head that reads the features of the head `like`, and judges nothing: what `src/head/blank.rs` makes. */
function blank({ features, dimension, figures }) {
  const none = { ...figures, source: "", n: 0, auc: 0.5, aucInterval: [0, 1], realCalledGenerated: 0, generatedCalledReal: 0, unsure: 1 };
  const safelight = {
    format: 1, id: "", name: "no head yet", date: "", pack: { id: ID, sha256: file.sha256 }, features, dimension, layers: 0,
    calibration: { scale: 1, shift: 0 }, thresholds: { real: 0, generated: 1 }, operating_points: [], operating_points_source: "", training: null, figures: none,
  };
  const zeros = [["output.weight", "F32", [1, dimension]], ["output.bias", "F32", [1]]].map(([name, type, shape]) => [name, type, shape, floats(shape, () => 0)]);
  return safetensors(zeros, { safelight: JSON.stringify(safelight) });
}

/** What stands in a head's file about it. */
function headInfo(bytes) {
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
  return JSON.parse(header.__metadata__.safelight);
}

function floats(shape, value) {
  return Buffer.from(Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, value).buffer);
}

/** The bytes of a safetensors file with these tensors in this order. */
function safetensors(list, metadata) {
  let at = 0;
  const entries = list.map(([name, dtype, shape, bytes]) => [name, { dtype, shape, data_offsets: [at, (at += bytes.length)] }]);
  const text = Buffer.from(JSON.stringify({ ...(Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {}), ...Object.fromEntries(entries) }));
  const header = Buffer.alloc(Math.ceil(text.length / 8) * 8, " ");
  text.copy(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...list.map(([, , , bytes]) => bytes)]);
}

function pinned(bytes) {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function write(path, bytes) {
  const place = join(out, "models", path);
  mkdirSync(join(place, ".."), { recursive: true });
  writeFileSync(place, bytes);
}
