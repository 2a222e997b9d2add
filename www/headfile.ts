/** The outside of a head's file (safetensors: length of the header, header as JSON, tensors): who it is, in words. */
import { Problem } from "./protocol.ts";
import type { TrainingReport } from "./safelight.js";

/** Key of the metadata that `src/head/file.rs` writes. */
const METADATA = "safelight";
const LARGEST_HEADER = 16 * 1024 * 1024;

interface Header {
  __metadata__?: Record<string, string>;
}

interface HeadMetadata {
  name?: unknown;
  training?: unknown;
}

/** The report that the head carries; `null` for heads that were made without one. */
export function reportIn(bytes: Uint8Array): TrainingReport | null {
  const { training } = metadataOf(split(bytes).header);
  const found = [training, (training as { report?: unknown } | undefined)?.report].find(isReport);
  return found ?? null;
}

/** The same head under another name. */
export function renamed(bytes: Uint8Array, name: string): Uint8Array {
  const { header, tensors } = split(bytes);
  const metadata = metadataOf(header);
  if (metadata.name === name) return bytes;
  header.__metadata__ = { ...header.__metadata__, [METADATA]: JSON.stringify({ ...metadata, name }) };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8; // tensors stay aligned
  const file = new Uint8Array(8 + padded + tensors.length).fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(text, 8);
  file.set(tensors, 8 + padded);
  return file;
}

function split(bytes: Uint8Array): { header: Header; tensors: Uint8Array } {
  try {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
    if (length > Math.min(LARGEST_HEADER, bytes.length - 8)) throw new RangeError("the header is longer than the file");
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length))) as Header;
    return { header, tensors: bytes.subarray(8 + length) };
  } catch {
    throw new Problem("head-format", "This file is not a Safelight head.");
  }
}

function metadataOf(header: Header): HeadMetadata {
  try {
    return JSON.parse(header.__metadata__?.[METADATA] ?? "null") ?? {};
  } catch {
    return {};
  }
}

function isReport(value: unknown): value is TrainingReport {
  return typeof value === "object" && value !== null && Array.isArray((value as TrainingReport).tiers);
}
