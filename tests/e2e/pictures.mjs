// Pictures for the tests. `hills.*` are drawn by a program, so nobody's rights are touched.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";

const folder = fileURLToPath(new URL("pictures/", import.meta.url));
const made = fileURLToPath(new URL("../artifacts/pictures/", import.meta.url));

export const hills = { jpeg: join(folder, "hills.jpg"), png: join(folder, "hills.png"), avif: join(folder, "hills.avif") };

/** `hills.jpg` under another name, with words for the fake detector after its end. */
export function steered(name, words) {
  return write(name, Buffer.concat([readFileSync(hills.jpeg), Buffer.from(`safelight-fake:${words}`)]));
}

export const bad = {
  empty: () => write("empty.jpg", Buffer.alloc(0)),
  truncated: () => write("truncated.jpg", readFileSync(hills.jpeg).subarray(0, 6_000)),
  text: () => write("letter.jpg", Buffer.from("Dear editor, this is a letter and not a picture.\n")),
  /** A PNG of a few hundred bytes that announces 3.6 thousand million pixels. */
  enormous: () => write("enormous.png", png(60_000, 60_000, deflateSync(Buffer.alloc(64)))),
};

function write(name, bytes) {
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, name), bytes);
  return join(made, name);
}

function png(width, height, data) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bit, RGB
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** PNG's checksum; `zlib.crc32` came with Node 22. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
