// Safelight, through the module that the page's worker uses.
import init, { Loader, offerThreads } from "/safelight/safelight.js";
import { kept, keptText } from "./kept.js";

const CHUNK = 4 << 20;

export async function open(device, threads, model) {
  await init();
  if (threads > 1) offerThreads((module, memory) => startHelpers(threads - 1, { module, memory }));
  const { pack, head } = model.pack === null ? await defaultModel() : { pack: model.pack, head: null };
  const [manifest, headFile] = await Promise.all([
    fetch(`${pack}pack.json`).then((response) => response.text()),
    head === null ? null : fetch(head).then((response) => response.arrayBuffer()),
  ]);
  const loader = await Loader.open(manifest, device === "webgpu" ? "gpu" : "cpu", await keptText("kernels"));
  const address = pack + JSON.parse(manifest).files[0].name;
  const weights = (await kept(address)) ?? (await fetch(address));
  for await (const chunk of chunks(weights.body)) loader.push(chunk);
  // A model without a head embeds pictures all the same.
  const detector = await loader.finish(headFile && new Uint8Array(headFile));
  return {
    where: detector.info.device.name,
    run: (pixels) => detector.embedTensor(pixels, () => true),
    toKeep: () => ({ addresses: [address], texts: { kernels: detector.kernels } }),
  };
}

/** The addresses of the page's own model and its head. */
async function defaultModel() {
  const models = "/safelight/models/";
  const catalog = await (await fetch(`${models}catalog.json`)).json();
  const url = (kind) => models + catalog[`${kind}s`].find(({ id }) => id === catalog.default[kind]).url;
  return { pack: url("pack"), head: url("head") };
}

/** As the page starts them for its worker, but so many, and here: no service worker is in the way. */
async function startHelpers(count, input) {
  const started = Array.from({ length: count }, () => {
    const helper = new Worker("/safelight/helper.js", { type: "module" });
    helper.postMessage(input);
    return new Promise((resolve, reject) => Object.assign(helper, { onmessage: resolve, onerror: reject }));
  });
  await Promise.all(started);
  return { count, patience: 60_000, stop() {} };
}

async function* chunks(body) {
  const reader = body.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read())
    for (let at = 0; at < value.length; at += CHUNK) yield value.subarray(at, at + CHUNK);
}
