// Files of heads, as the fake modules write and read them.

/** A safetensors file with one small tensor. */
export function headFile(metadata) {
  const header = { __metadata__: { safelight: JSON.stringify(metadata) }, "output.bias": { dtype: "F32", shape: [1], data_offsets: [0, 4] } };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + padded + 4).fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(text, 8);
  return file;
}

/** What `headFile` wrote. */
export function readHead(bytes) {
  try {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
    return JSON.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))).__metadata__.safelight);
  } catch {
    throw Object.assign(new Error("This file is not a Safelight head."), { code: "head-format" });
  }
}
