// What a visitor downloads: counted from what the pages really asked for, compressed as a server would.
import { createReadStream, readFileSync, statSync } from "node:fs";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, gzipSync } from "node:zlib";
import { MODELS } from "./models.mjs";

export const CODE = /\.(m?js|wasm)$/;
const PREFIX = { safelight: "/safelight/", onnxruntime: "/onnxruntime-web/" };

/** JavaScript and wasm of each peer, file by file, in bytes. onnxruntime-web has one build for WebGPU and one for the CPU. */
export function downloads(asked) {
  const files = (prefix) =>
    [...asked].filter(([path]) => path.startsWith(prefix) && CODE.test(path)).map(([path, file]) => {
      const bytes = readFileSync(file);
      return { path: path.slice(prefix.length), bytes: bytes.length, gzip: gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }).length };
    });
  return Object.fromEntries(Object.entries(PREFIX).map(([peer, prefix]) => [peer, files(prefix)]));
}

/**
 * The default model's weights for each peer, in bytes: int8 that become float32 while they load, and float32 in an ONNX file.
 * null where no case asked for them; random weights are no download of anybody's.
 */
export async function weights(asked) {
  const [ours] = [...asked].filter(([path]) => path.startsWith(PREFIX.safelight) && path.endsWith("/model.safetensors"));
  const theirs = asked.get(MODELS["vit-b-16"].onnx);
  if (ours === undefined || theirs === undefined) return null;
  return {
    safelight: { type: "int8", ...(await sizes(ours[1])) },
    onnxruntime: { type: "float32", ...(await sizes(theirs)) },
  };
}

async function sizes(file) {
  let gzip = 0;
  const count = new Writable({ write(chunk, _, done) { gzip += chunk.length; done(); } });
  await pipeline(createReadStream(file), createGzip({ level: constants.Z_BEST_SPEED }), count);
  return { bytes: statSync(file).size, gzip };
}
