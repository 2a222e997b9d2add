// Two origins of test pictures on this machine: a gallery, and the host that other sites take pictures from.
// Every picture carries its probability for the fake detector, so a verdict says which bytes were looked at.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { hills } from "../pictures.mjs";

const jpeg = readFileSync(hills.jpeg);
const avif = readFileSync(hills.avif);
const SVG = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="200" height="150"><circle cx="99" cy="75" r="60"/></svg>';

/** More than the 2 MB of an address that Chromium tells an extension, and than Firefox's memory for a session is given. */
const LONG = 2_200_000;

/** The steering words stand after the picture's end. */
const steered = (words, filling = 0) => Buffer.concat([jpeg, Buffer.alloc(filling), Buffer.from(`safelight-fake:${words}`)]);

/** One that takes four seconds, as base64. */
export const longSlowly = () => steered("slow", LONG).toString("base64");

/**
 * `/p/WORDS/NAME.jpg`: a JPEG steered by WORDS; `/private/…`: only with the cookie of `/login`;
 * `/shared/…`: readable by every site; `/late/…`: only its second answer and later ones take two seconds.
 */
async function serve(log, pages) {
  const seen = new Map();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    let body = 0;
    request.on("data", (chunk) => (body += chunk.length));
    log.push({ method: request.method, host: request.headers.host, path: request.url, body: () => body });
    const answer = (type, content, headers = {}) => response.writeHead(200, { "Content-Type": type, ...headers }).end(content);
    const times = (seen.get(pathname) ?? 0) + 1;
    seen.set(pathname, times);
    const words = /^\/(?:private\/|shared\/|late\/)?p\/([^/]+)\//.exec(pathname)?.[1];
    if (pathname === "/login") return answer("text/html", "in", { "Set-Cookie": "session=yes; Path=/; HttpOnly" });
    if (pathname.startsWith("/private/") && !/session=yes/.test(request.headers.cookie ?? "")) return response.writeHead(403).end("log in first");
    if (pathname.startsWith("/late/") && times > 1) await new Promise((resolve) => setTimeout(resolve, 2_000));
    if (words !== undefined) {
      const shared = pathname.startsWith("/shared/") ? { "Access-Control-Allow-Origin": "*" } : {};
      const fresh = /^\/(late|private)\//.test(pathname) ? { "Cache-Control": "no-store" } : {};
      return answer("image/jpeg", steered(decodeURIComponent(words)), { ...shared, ...fresh });
    }
    if (pathname === "/hills.jpg") return answer("image/jpeg", jpeg);
    if (pathname === "/hills.avif") return answer("image/avif", avif);
    if (pathname === "/circle.svg") return answer("image/svg+xml", SVG);
    const page = pages[pathname];
    return page === undefined ? response.writeHead(404).end() : answer("text/html; charset=utf-8", page());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export async function startSites() {
  const log = [];
  const other = await serve(log, { "/frame": () => '<img id="framed" src="/p/p=0.44/framed.jpg" width="200">' });
  const far = `http://127.0.0.1:${other.address().port}`;
  const site = await serve(log, { "/": () => gallery(far), "/long": () => `<!doctype html><title>Long</title><img id="long" height="60" src="data:image/jpeg;base64,${steered("p=0.27", LONG).toString("base64").replaceAll("=", "%3D")}">`, "/empty": () => "<!doctype html><title>Elsewhere</title><p>No pictures." });
  return {
    url: `http://localhost:${site.address().port}/`,
    far,
    log,
    close: () => Promise.all([site, other].map((server) => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }))),
  };
}

const gallery = (far) => `<!doctype html><html lang="en"><title>Gallery</title>
<style>img { height: 60px } #wall { width: 400px; height: 300px; background: url("/p/p=0.95/wall.jpg") center / cover }</style>
<img id="plain" src="/p/p=0.91/plain.jpg" alt="Hills at dusk">
<figure><img id="figure" src="/p/p=0.12/figure.jpg" alt="A hill"><figcaption>Evening, <b>by nobody</b></figcaption></figure>
<picture><source srcset="/p/p=0.83/wide.jpg 1x, /p/p=0.83/wide-2x.jpg 2x"><img id="srcset" src="/p/p=0.01/fallback.jpg"></picture>
<a href="/empty"><img id="linked" src="/p/p=0.22/linked.jpg"></a>
<img id="data" src="data:image/jpeg;base64,${steered("p=0.33").toString("base64")}">
<img id="blob">
<img id="private" src="/private/p/p=0.66/members.jpg">
<img id="shared" src="${far}/shared/p/p=0.77/shared.jpg">
<img id="other" src="${far}/p/p=0.88/other.jpg">
<img id="avif" src="/hills.avif">
<img id="svg" src="/circle.svg">
<img id="slow" src="/p/slow/slow.jpg">
<img id="late" src="/late/p/p=0.55/late.jpg">
<img id="hills" src="/hills.jpg">
<svg width="80" height="80"><image href="http://[" width="80" height="80" /></svg>
<div id="wall"></div>
<iframe id="frame" src="${far}/frame"></iframe>
<script>
  fetch("/p/p=0.99/blob.jpg").then((response) => response.blob()).then((blob) => {
    const image = document.getElementById("blob");
    image.src = URL.createObjectURL(blob);
    image.onload = () => URL.revokeObjectURL("blob:nothing");
  });
</script>`;
