// Folders of labelled pictures, made for a test under tests/artifacts/folders.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hills } from "./pictures.mjs";

const made = fileURLToPath(new URL("../artifacts/folders/", import.meta.url));
const picture = readFileSync(hills.jpeg);

/**
 * A folder with `each` pictures in every one of `folders`; each is `hills.jpg` with other bytes after its end.
 * `others`: path → bytes. `words`: path → what steers the fake detector.
 */
export function makeFolder(name, { folders, each, others = {}, words = {} }) {
  const root = join(made, name);
  rmSync(root, { recursive: true, force: true });
  for (const folder of folders)
    for (let index = 0; index < each; index += 1) {
      const path = `${folder}/${String(index).padStart(4, "0")}.jpg`;
      const steer = words[path] === undefined ? "" : `safelight-fake:${words[path]}`;
      write(join(root, path), Buffer.concat([picture, Buffer.from(`${path}\n${steer}`)]));
    }
  for (const [path, bytes] of Object.entries(others)) write(join(root, path), bytes);
  return root;
}

function write(path, bytes) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}
