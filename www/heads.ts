/** The heads that this browser keeps: trained here, or imported from a file. */
import { database, keeping } from "./database.ts";
import { hash } from "./hash.ts";
import { labelled } from "./headfile.ts";
import { Problem } from "./protocol.ts";
import type { StoredHead } from "./protocol.ts";

/** The newest first. */
export async function listHeads(): Promise<StoredHead[]> {
  const heads = await (await database()).getAll("heads");
  return heads.sort((a, b) => b.added.localeCompare(a.added));
}

export async function storedHead(sha256: string): Promise<StoredHead | undefined> {
  return (await database()).get("heads", sha256);
}

/** The head's file, checked against the hash that it is kept under. */
export async function headFile(sha256: string): Promise<Uint8Array> {
  const bytes = await (await database()).get("headFiles", sha256);
  if (bytes === undefined) throw new Problem("head-missing", "The head that you chose is no longer in this browser.");
  if ((await hash(bytes)) !== sha256) throw new Problem("head-format", "The stored head is damaged.");
  return bytes;
}

/** Keeps a head under its hash. The same file twice is kept once. */
export async function keepHead(bytes: Uint8Array, about: Omit<StoredHead, "sha256" | "bytes" | "added">): Promise<StoredHead> {
  const head: StoredHead = { ...about, sha256: await hash(bytes), bytes: bytes.length, added: new Date().toISOString() };
  await keeping(async (db) => {
    const transaction = db.transaction(["heads", "headFiles"], "readwrite");
    await Promise.all([
      transaction.objectStore("heads").put(head, head.sha256),
      transaction.objectStore("headFiles").put(bytes, head.sha256),
      transaction.done,
    ]);
  });
  return head;
}

export async function renameHead(sha256: string, name: string): Promise<void> {
  await keeping(async (db) => {
    const { store, done } = db.transaction("heads", "readwrite");
    const head = await store.get(sha256);
    if (head !== undefined) await store.put({ ...head, name }, sha256);
    await done;
  });
}

export async function deleteHead(sha256: string): Promise<void> {
  const transaction = (await database()).transaction(["heads", "headFiles"], "readwrite");
  await Promise.all([
    transaction.objectStore("heads").delete(sha256),
    transaction.objectStore("headFiles").delete(sha256),
    transaction.done,
  ]);
}

/** The head as one file, which carries the name it has now. */
export async function exportHead({ sha256, name }: StoredHead): Promise<Blob> {
  const bytes = labelled(await headFile(sha256), { name });
  return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" });
}
