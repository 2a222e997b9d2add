// The extension around the fake detector: tests/artifacts/fake-extension/chromium and …/firefox.
// `options` are those of the fake site.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFakeSite } from "../fake/site.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export async function buildFakeExtension(options) {
  const out = join(root, "tests/artifacts/fake-extension");
  const { folder } = await buildFakeSite(options);
  execFileSync(process.execPath, [join(root, "www/build.mjs"), "--extension", folder, out]);
  return (browser) => join(out, browser);
}
