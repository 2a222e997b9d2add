/** The outside of a head's file (safetensors: length of the header, header as JSON, tensors): who it is, in words. */
import { Problem } from "./protocol.ts";
import type { TrainingReport } from "./safelight-training.js";

/** Keys of the file's metadata: what `src/head/file.rs` writes, and the report that the page puts beside it. */
const HEAD = "safelight";
const REPORT = "safelight.report";
const LARGEST_HEADER = 16 * 1024 * 1024;

interface Header {
  __metadata__?: Record<string, string>;
}

/** The report that the head carries; `null` for heads that were made without one. */
export function reportIn(bytes: Uint8Array): TrainingReport | null {
  const report: unknown = parsed(split(bytes).header.__metadata__?.[REPORT]);
  return isReport(report) ? report : null;
}

/** A file may come from anywhere, so what is drawn later is checked here. */
function isReport(value: unknown): value is TrainingReport {
  if (!isObject(value) || !isObject(value["config"]) || !areNumbers(value, "pictures", "generated", "real", "sources", "folds")) return false;
  const { tiers, audit, warnings } = value;
  if (audit !== null && !(isObject(audit) && isEstimate(audit["nullAuc"]) && isEstimate(audit["nullAucOverSources"] ?? null) && isEstimate(audit["captionAuc"] ?? null))) return false;
  return Array.isArray(warnings) && warnings.every((warning) => typeof warning === "string") && Array.isArray(tiers) && tiers.every(isTier);
}

function isTier(tier: unknown): boolean {
  if (!isObject(tier) || typeof tier["tier"] !== "string" || !areNumbers(tier, "n")) return false;
  const { confusion, roc, reliability, sources } = tier;
  const estimates = ["auc", "accuracy", "tprAt1", "tprAt5"].every((name) => isEstimate(tier[name]));
  const rows = [confusion].filter(isObject).flatMap(({ generated, real }) => [generated, real]);
  const counted = rows.length === 2 && rows.every((row) => areNumbers(row, "generated", "unsure", "real"));
  const points = Array.isArray(roc) && roc.every((point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite));
  const bins = Array.isArray(reliability) && reliability.every((bin) => areNumbers(bin, "predicted", "observed", "n"));
  return estimates && counted && points && bins && Array.isArray(sources) && sources.every((source) => areNumbers(source, "n") && isEstimate(source["auc"]));
}

function isEstimate(value: unknown): boolean {
  return value === null || (areNumbers(value, "value") && Array.isArray(value["interval"]) && value["interval"].length === 2 && value["interval"].every(Number.isFinite));
}

function areNumbers(value: unknown, ...names: string[]): value is Record<string, unknown> {
  return isObject(value) && names.every((name) => Number.isFinite(value[name]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same head under another name, or with its report. */
export function labelled(bytes: Uint8Array, { name, report }: { name?: string; report?: TrainingReport }): Uint8Array {
  const { header, tensors } = split(bytes);
  const head = parsed(header.__metadata__?.[HEAD]);
  const named = name === undefined || head === null || head["name"] === name;
  if (named && report === undefined) return bytes;
  const metadata = { ...header.__metadata__ };
  if (!named) metadata[HEAD] = JSON.stringify({ ...head, name });
  if (report !== undefined) metadata[REPORT] = JSON.stringify(report);
  const text = new TextEncoder().encode(JSON.stringify({ ...header, __metadata__: metadata }));
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

function parsed(text: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}
