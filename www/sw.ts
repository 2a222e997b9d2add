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
/** The modules that split captions and that train, of which most people need none: kept when they are first asked for. */
const LATER = /^safelight-(tokenizer|training)[._]/;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", ({ data }) => {
  if (data === "activate") void self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = pathOf(request);
  if (path !== null) event.respondWith(answer(request, path));
});

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    Object.keys(SEALED_FILES)
      .filter((path) => !LATER.test(path))
      .map(async (path) => {
        const fresh = await sealed(path);
        if (fresh === null) throw new Error(`${path} is not the file of version ${SEALED_VERSION}`);
        await cache.put(urlOf(path), fresh);
      }),
  );
}

/** The file of this version, from the browser's cache or from the site; `null` when the site has another. */
async function sealed(path: string): Promise<Response | null> {
  const [url, sha256] = [urlOf(path), SEALED_FILES[path] ?? ""];
  return (await fetched(url, "default", sha256)) ?? fetched(url, "reload", sha256);
}

/** The response with all its headers (COOP and COEP among them), if its body is the sealed one. */
async function fetched(url: string, mode: RequestCache, sha256: string): Promise<Response | null> {
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
function pathOf(request: Request): string | null {
  const url = new URL(request.url);
  const scope = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return null;
  const path = url.pathname.slice(scope.pathname.length) || "index.html";
  return path in SEALED_FILES ? path : null;
}

function urlOf(path: string): string {
  return new URL(path, self.registration.scope).href;
}

async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(urlOf(path));
  if (kept !== undefined || !LATER.test(path)) return kept ?? fetch(request);
  const fresh = await sealed(path).catch(() => null);
  if (fresh === null) return fetch(request);
  const copy = fresh.clone();
  await cache.put(urlOf(path), copy).catch(() => undefined); // without room it is used all the same, and fetched again next time
  return fresh;
}
