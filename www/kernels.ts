/**
 * Which of our kernels were fastest on this browser's GPU, kept so that they are measured once. Cache storage, because
 * workers of pages and extensions have it alike; where it is refused, they are measured again.
 */
const CACHE = "safelight-kernels";
const ENTRY = "https://kernels.invalid/choices.json";

/** What was kept; empty where nothing was. Whether it fits this GPU and this build is decided in Rust. */
export async function keptKernels(): Promise<string> {
  try {
    const kept = await caches.match(ENTRY, { cacheName: CACHE }); // `open` would make one where there is none
    return (await kept?.text()) ?? "";
  } catch {
    return "";
  }
}

export async function keepKernels(kernels: string): Promise<void> {
  try {
    await (await caches.open(CACHE)).put(ENTRY, new Response(kernels));
  } catch {
    // measured again next time
  }
}

export async function forgetKernels(): Promise<void> {
  try {
    await caches.delete(CACHE);
  } catch {
    // where it is refused, nothing was kept
  }
}
