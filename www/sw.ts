/**
 * Offline: keeps every file of the site but the model pack (which `store.ts` keeps), under this build's version.
 * `seal.mjs` fills in the list of files with their SHA-256 when the site is built; a file that does not match
 * is not taken, so a half-deployed site never becomes the offline one.
 */
export {}; // a module of its own, as far as types go

declare const self: ServiceWorkerGlobalScope;

/** Path relative to the site → SHA-256, hexadecimal. */
declare const SEALED_FILES: Record<string, string>;
/** SHA-256 over the list. */
declare const SEALED_VERSION: string;

const PREFIX = "safelight-site-";
const CACHE = PREFIX + SEALED_VERSION;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", ({ data }) => {
  if (data === "activate") void self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const key = keyOf(request);
  if (key !== null) event.respondWith(answer(request, key));
});

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    Object.entries(SEALED_FILES).map(async ([path, sha256]) => {
      const url = new URL(path, self.registration.scope).href;
      const fresh = (await sealed(url, "default", sha256)) ?? (await sealed(url, "reload", sha256));
      if (fresh === null) throw new Error(`${path} is not the file of version ${SEALED_VERSION}`);
      await cache.put(url, fresh);
    }),
  );
}

/** The response with all its headers (COOP and COEP among them), if its body is the sealed one. */
async function sealed(url: string, mode: RequestCache, sha256: string): Promise<Response | null> {
  const response = await fetch(url, { cache: mode });
  if (!response.ok) return null;
  const digest = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer());
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex === sha256 ? response : null;
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

/** The file of the site that a request is for; `null` for everything else, which goes to the network untouched. */
function keyOf(request: Request): string | null {
  const url = new URL(request.url);
  const scope = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return null;
  const path = url.pathname.slice(scope.pathname.length) || "index.html";
  return path in SEALED_FILES ? new URL(path, scope).href : null;
}

async function answer(request: Request, key: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  return (await cache.match(key)) ?? fetch(request);
}
