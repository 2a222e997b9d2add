// Serves the bench's page, both peers and their weights from one origin, and remembers what was asked for.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { CODE } from "./downloads.mjs";
import { modelFile } from "./models.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".wasm": "application/wasm", ".png": "image/png" };

/** Address prefix → folder. */
export const FOLDERS = {
  "/safelight/": join(root, "dist"),
  "/onnxruntime-web/": join(root, "node_modules/onnxruntime-web/dist"),
  "/pictures/": join(root, "tests/golden/clip/pictures"),
  "/": join(root, "tests/bench/page"),
};

/** Serves `models` as {@link modelFile} takes them; `asked` holds the path of every file that was served, on this machine. */
export async function startServer(models) {
  const asked = new Map();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = modelFile(pathname, models) ?? inFolder(pathname);
    let size;
    try {
      size = statSync(file).size;
    } catch {
      return response.writeHead(404).end();
    }
    asked.set(pathname, file);
    response.writeHead(200, {
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      "Content-Length": size,
      // As the real page is served: isolated, so that timers are fine enough.
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
      // Code comes from the browser's cache on a second visit; weights are the pages' own to keep.
      "Cache-Control": CODE.test(pathname) ? "max-age=86400" : "no-store",
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  return { url: `http://localhost:${server.address().port}/`, asked, close };
}

function inFolder(pathname) {
  const [prefix, folder] = Object.entries(FOLDERS).find(([prefix]) => pathname.startsWith(prefix));
  return join(folder, normalize(`/${pathname.slice(prefix.length) || "index.html"}`));
}
