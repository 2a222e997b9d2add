// A small static server for tests that must see requests, and must be able to fail: `cargo xtask serve` does neither.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json",
  ".wasm": "application/wasm", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
};

/**
 * Serves `folder` with the headers of its `_headers`; `beside` has folders that lie elsewhere, by their path on the site.
 * `faults.cutAfter`: bytes of the pack after which the next answer's connection breaks (once);
 * `faults.ignoreRange`: answer 200 to a Range; `faults.delay`: milliseconds before each 64 KiB of the pack;
 * `faults.headers`: headers to send instead; `faults.missing`: a path that is answered with 404;
 * `faults.helper`: what is sent in place of helper.js; `faults.worker`: code that the page's worker runs first, to take away what other browsers lack (the service worker
 * then refuses to install, because worker.js is not the file that was sealed).
 */
export async function startServer(folder, faults = {}, beside = {}) {
  const rules = parseHeaders(await readFile(join(folder, "_headers"), "utf8"));
  const log = [];
  const server = createServer(async (request, response) => {
    response.setMaxListeners(0);
    const { pathname, search } = new URL(request.url, "http://localhost");
    let body = 0;
    request.on("data", (chunk) => (body += chunk.length));
    const entry = { method: request.method, path: pathname, search, range: request.headers.range ?? null, body: () => body, status: 0 };
    log.push(entry);
    const path = pathname === "/" ? "/index.html" : pathname;
    const [mount, place] = Object.entries(beside).find(([mount]) => path.startsWith(mount)) ?? ["/", folder];
    let bytes = await readFile(join(place, normalize(`/${path.slice(mount.length)}`))).catch(() => null);
    if (path === "/worker.js" && faults.worker) bytes = Buffer.concat([Buffer.from(`${faults.worker}\n`), bytes]);
    if (path === "/helper.js" && faults.helper) bytes = Buffer.from(faults.helper);
    if (path === faults.missing) bytes = null;
    const headers = { ...rules, ...faults.headers };
    const end = (status, content = "") => {
      entry.status = status;
      response.writeHead(status, headers).end(content);
    };
    if (bytes === null) return end(404);
    headers["Content-Type"] = TYPES[extname(path)] ?? "application/octet-stream";
    headers.ETag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`;
    headers["Accept-Ranges"] = "bytes";
    if (request.headers["if-none-match"] === headers.ETag) return end(304);
    const range = /^bytes=(\d+)-(\d*)$/.exec(entry.range ?? "");
    const current = (request.headers["if-range"] ?? headers.ETag) === headers.ETag;
    const partial = range !== null && current && !faults.ignoreRange;
    const start = partial ? Number(range[1]) : 0;
    const size = bytes.length;
    if (partial && range[2] !== "") bytes = bytes.subarray(0, Number(range[2]) + 1);
    if (partial) headers["Content-Range"] = `bytes ${start}-${bytes.length - 1}/${size}`;
    headers["Content-Length"] = bytes.length - start;
    entry.status = partial ? 206 : 200;
    response.writeHead(entry.status, headers);
    if (request.method === "HEAD") return response.end();
    if (!path.endsWith("model.safetensors")) return response.end(bytes.subarray(start));
    for (let at = start; at < bytes.length && !response.destroyed; at += 65_536) {
      if (faults.cutAfter !== undefined && at - start >= faults.cutAfter) {
        delete faults.cutAfter;
        return response.destroy();
      }
      if (faults.delay) await new Promise((resolve) => setTimeout(resolve, faults.delay));
      if (!response.write(bytes.subarray(at, at + 65_536)) && !response.destroyed)
        await Promise.race([once(response, "drain"), once(response, "close")]);
    }
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    log,
    faults,
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}

function parseHeaders(text) {
  const lines = text.split("\n").filter((line) => /^\s+\S/.test(line));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]));
}
