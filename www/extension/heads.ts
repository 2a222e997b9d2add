/** Heads that the person imported, each under the SHA-256 of its file. */
import { createStore, clear, del, get, set, values } from "idb-keyval";

export interface ImportedHead {
  id: string;
  /** As the head calls itself; the file's name until it was opened once. */
  name: string;
  /** The day it was trained, as the head says. */
  trained: string | null;
  file: Blob;
}

/** Longest head that is taken in; they are a few megabytes. */
const LONGEST = 64 << 20;

const store = createStore("safelight", "heads");

export async function listHeads(): Promise<ImportedHead[]> {
  return (await values<ImportedHead>(store)).sort((a, b) => a.name.localeCompare(b.name));
}

export async function readHead(id: string): Promise<ImportedHead | null> {
  return (await get<ImportedHead>(id, store)) ?? null;
}

export function keepHead(head: ImportedHead): Promise<void> {
  return set(head.id, head, store);
}

export function forgetHead(id: string): Promise<void> {
  return del(id, store);
}

export function forgetHeads(): Promise<void> {
  return clear(store);
}

/** A file as a head that nobody has opened yet; `null` where it cannot be one. */
export async function asHead(file: File): Promise<ImportedHead | null> {
  if (file.size === 0 || file.size > LONGEST) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const id = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { id, name: file.name, trained: null, file: new Blob([file]) };
}
