// Browsers that keep less: without OPFS the pack lies in Cache storage, without that it is only used; and a full disk.
import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";
import { launch, openPage, pick, ready, settled } from "./browser.mjs";
import { buildFakeSite } from "./fake/site.mjs";
import { steered } from "./pictures.mjs";
import { startServer } from "./server.mjs";

const NO_OPFS = "delete FileSystemFileHandle.prototype.createSyncAccessHandle;";
const NO_CACHE = "caches.open = () => Promise.reject(new DOMException('The operation is insecure.', 'SecurityError'));";
const FULL = "FileSystemSyncAccessHandle.prototype.write = () => 0;";

let site, server, browser;

before(async () => {
  site = await buildFakeSite();
});
afterEach(async () => {
  await browser?.close();
  await server?.close();
});

async function start(name, worker, faults) {
  server = await startServer(site.folder, { ...faults, worker });
  browser = await launch(name);
  return openPage(browser, server.url);
}

const downloads = () => server.log.filter(({ path }) => path.endsWith("model.safetensors"));
const notices = (page) => page.$eval("#notices", (list) => list.textContent);

async function works(page) {
  await ready(page);
  await pick(page, steered("kept.jpg", "p=0.8"));
  const [card] = await settled(page, 1);
  assert.equal(card.label, "generated");
}

for (const name of ["chromium", "firefox"]) {
  test(`${name} without OPFS keeps the pack in Cache storage, and resumes there`, async () => {
    const { page } = await start(name, NO_OPFS, { cutAfter: 5_000_000 });
    await works(page);
    assert.match(downloads()[1].range, /^bytes=[1-9]\d*-$/);
    assert.equal(await page.evaluate(async () => (await caches.keys()).includes("safelight-packs")), true);
    server.log.length = 0;
    await page.reload();
    await works(page);
    assert.deepEqual(downloads(), []);
    assert.doesNotMatch(await notices(page), /downloaded/);
  });

  test(`${name} that keeps nothing works, says so, and downloads again`, async () => {
    const { page } = await start(name, NO_OPFS + NO_CACHE);
    await works(page);
    assert.match(await notices(page), /keeps nothing in this window/);
    await page.reload();
    await works(page);
    assert.equal(downloads().length, 2);
  });

  test(`${name} with a full disk works, and says that it is downloaded again next time`, async () => {
    const { page } = await start(name, FULL);
    await works(page);
    assert.match(await notices(page), /There is no room to keep the model/);
  });
}
