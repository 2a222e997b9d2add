import assert from "node:assert/strict";
import { test } from "node:test";
import { buildFakeExtension } from "./build.mjs";
import { openFirefox } from "./firefox.mjs";
import { startProxy } from "./proxy.mjs";
import { startSites } from "./sites.mjs";
import { suite } from "./suite.mjs";
import { until } from "./until.mjs";

suite("firefox", openFirefox);

test("firefox: the browser does not stop a room that somebody looks at", async () => {
  const PATIENCE = 12; // seconds that Firefox gives an idle background here, instead of 30
  const folders = await buildFakeExtension();
  const [sites, proxy] = await Promise.all([startSites(), startProxy()]);
  const driver = await openFirefox(folders("firefox"), proxy.port, { "extensions.background.idle.timeout": PATIENCE * 1_000 });
  const room = () => driver.panel(async () => (await navigator.locks.query()).held.find(({ name }) => name === "safelight-room")?.clientId ?? null);
  try {
    await driver.goto(sites.url);
    await driver.click();
    await until(async () => (await room()) !== null, "there is a room");
    const before = await room();
    await new Promise((resolve) => setTimeout(resolve, 2.5 * PATIENCE * 1_000));
    assert.equal(await room(), before, "another room has taken its place");
  } finally {
    await driver.close();
    await Promise.all([sites.close(), proxy.close()]);
  }
});
