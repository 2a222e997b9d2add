// Watches everything Chromium asks the network for: the page, its workers, the service worker.

/** Starts watching; `requests` fills as they come. Blobs of the page itself (thumbnails) are not the network. */
export async function watchNetwork(browser, page) {
  const requests = [];
  const watched = new WeakSet();
  const watch = async (session) => {
    if (watched.has(session)) return;
    watched.add(session);
    session.on("Network.requestWillBeSent", ({ request }) => {
      if (!request.url.startsWith("blob:") && !request.url.startsWith("data:")) requests.push(request);
    });
    await session.send("Network.enable");
  };
  await watch(await page.createCDPSession());
  const watchWorker = (worker) => watch(worker.client).catch(() => undefined); // it may have ended meanwhile
  page.on("workercreated", watchWorker);
  await Promise.all(page.workers().map(watchWorker));
  const watchTarget = async (target) => {
    if (target.type() === "service_worker") await watch(await target.createCDPSession()).catch(() => undefined);
  };
  browser.on("targetcreated", watchTarget);
  await Promise.all(browser.targets().map(watchTarget));
  return requests;
}

/** Why a request is not one for a file of the site; `null` when it is. */
export function suspicious({ method, url, postData, hasPostData }, origin, allowedQuery = "") {
  const { origin: asked, search, hash } = new URL(url);
  if (asked !== origin) return `${url} leaves the origin`;
  if (method !== "GET") return `${method} ${url}`;
  if (postData !== undefined || hasPostData) return `${url} has a body`;
  if (search !== "" && search !== allowedQuery) return `${url} has a query`;
  if (hash !== "") return `${url} has a fragment`;
  return null;
}
