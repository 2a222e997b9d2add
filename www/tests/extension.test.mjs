import assert from "node:assert/strict";
import test from "node:test";
import { BROWSERS, manifest } from "../extension/manifest.mjs";
import { blobOf, isDrawing } from "../extension/pictures.ts";

test("SVG is known by its type and by its start, and nothing else is", async () => {
  const drawing = (text, type = "") => isDrawing(new Blob([text], { type }));
  for (const text of ["<svg xmlns='…'>", '<?xml version="1.0"?>\n<!-- made by hand -->\n<!DOCTYPE svg PUBLIC "…">\n<svg>', "\n <svg>"]) assert.equal(await drawing(text), true, text);
  assert.equal(await drawing("anything", "image/svg+xml"), true);
  for (const text of ["\xff\xd8\xff an <svg> in a comment", "<html><svg>", ""]) assert.equal(await drawing(text, "image/jpeg"), false, text);
});

test("data: addresses become their bytes", async () => {
  const blob = await blobOf(`data:image/png;base64,${Buffer.from([0, 1, 254, 255]).toString("base64")}`);
  assert.equal(blob.type, "image/png");
  assert.deepEqual([...new Uint8Array(await blob.arrayBuffer())], [0, 1, 254, 255]);
  assert.equal(await (await blobOf("data:image/svg+xml,%3Csvg/%3E")).text(), "<svg/>");
  // 0xfb 0xff 0xfe is "+//+" in base64, and one byte needs two signs of filling; pages may encode all of them.
  const encoded = await blobOf("DATA:image/png;charset=x;BASE64,%2B%2F%2F%2BAQ%3D%3D");
  assert.deepEqual([...new Uint8Array(await encoded.arrayBuffer())], [0xfb, 0xff, 0xfe, 1]);
});

test("no manifest lets pages see files, run remote code, or read pages unasked", () => {
  for (const browser of BROWSERS) {
    const { web_accessible_resources, externally_connectable, host_permissions, content_scripts, content_security_policy } = JSON.parse(manifest(browser, "1.0.0"));
    assert.deepEqual([web_accessible_resources, host_permissions, content_scripts, externally_connectable], Array(4).fill(undefined));
    const script = /script-src ([^;]+)/.exec(content_security_policy.extension_pages)[1];
    assert.equal(script, "'self' 'wasm-unsafe-eval'");
  }
});
