// What a visitor's browser keeps between two visits: weights, and which kernels were fastest. In Cache storage, where
// Safelight's page and the pages of transformers.js keep theirs; code is left to the browser's own cache.
const CACHE = "bench";
const TEXT = "/kept/"; // no file has such an address

/** The answer for `address` that was kept, or null. */
export async function kept(address) {
  return (await caches.match(address, { cacheName: CACHE })) ?? null;
}

/** The text that was kept as `name`; empty where none was. */
export async function keptText(name) {
  return (await (await kept(TEXT + name))?.text()) ?? "";
}

/** Keeps the files at `addresses`, and `texts` by their names. */
export async function keep({ addresses, texts = {} }) {
  const cache = await caches.open(CACHE);
  for (const address of addresses) await cache.put(address, await fetch(address));
  for (const [name, text] of Object.entries(texts)) await cache.put(TEXT + name, new Response(text));
}
