/** The features that this browser keeps, of all models: how much room they take, and how they are deleted. */
import { database } from "./database.ts";
import { CAPTION } from "./features.ts";

export interface KeptFeatures {
  pictures: number;
  bytes: number;
}

type Key = [pack: string, spec: string, picture: string, treatment: string];

/** What nobody needs: neither `needed` (pictures by SHA-256), nor corrected verdicts, nor an unfinished training. */
export async function keptFeatures(needed: Iterable<string>): Promise<KeptFeatures> {
  const { features, facts } = await unneeded(needed);
  const { store } = (await database()).transaction("features");
  const groups = new Map<string, { first: Key; count: number }>();
  for (const key of features) {
    const [pack, spec] = key;
    const group = groups.get(`${pack} ${spec}`) ?? { first: key, count: 0 };
    group.count += 1;
    groups.set(`${pack} ${spec}`, group);
  }
  // Rows of one pack under one specification are of one length.
  const sizes = await Promise.all([...groups.values()].map(async ({ first, count }) => count * ((await store.get(first))?.byteLength ?? 0)));
  const pictures = new Set([...facts, ...features.filter(([, spec]) => spec !== CAPTION).map(([, , picture]) => picture)]);
  return { pictures: pictures.size, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
}

export async function deleteFeatures(needed: Iterable<string>): Promise<void> {
  const { features, facts } = await unneeded(needed);
  const transaction = (await database()).transaction(["features", "facts"], "readwrite");
  await Promise.all([
    ...features.map((key) => transaction.objectStore("features").delete(key)),
    ...facts.map((key) => transaction.objectStore("facts").delete(key)),
    transaction.done,
  ]);
}

async function unneeded(needed: Iterable<string>): Promise<{ features: Key[]; facts: string[] }> {
  const db = await database();
  const [features, facts, corrections, run] = await Promise.all([db.getAllKeys("features"), db.getAllKeys("facts"), db.getAllKeys("corrections"), db.get("run", "run")]);
  const stay = new Set([...needed, ...corrections, ...(run?.input.pictures ?? []).map((picture) => picture.facts.sha256)]);
  // A caption's row is under its own hash, and is read again where it is missing.
  return { features: features.filter(([, , picture]) => !stay.has(picture)), facts: facts.filter((picture) => !stay.has(picture)) };
}
