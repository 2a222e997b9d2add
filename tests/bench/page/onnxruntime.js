// onnxruntime-web, set up as its documentation says for WebGPU and for wasm.
import { kept } from "./kept.js";

const SIDE = 224;

export async function open(device, threads, model) {
  const ort = await import(`/onnxruntime-web/ort.${device === "webgpu" ? "webgpu" : "wasm"}.bundle.min.mjs`);
  ort.env.wasm.numThreads = threads;
  const again = await kept(model.onnx);
  const session = await ort.InferenceSession.create(again === null ? model.onnx : new Uint8Array(await again.arrayBuffer()), {
    executionProviders: [device === "webgpu" ? "webgpu" : "wasm"],
    graphOptimizationLevel: "all",
    // The ONNX file names its weights by their file's name alone.
    ...(model.external && { externalData: [{ path: model.external.split("/").pop(), data: model.external }] }),
  });
  const run = async (pixels) => {
    const n = pixels.length / (3 * SIDE * SIDE);
    const input = new ort.Tensor("float32", pixels, [n, 3, SIDE, SIDE]);
    const { image_embeds: embeddings } = await session.run({ pixel_values: input });
    return embeddings.getData();
  };
  return { where: await whereabouts(device, threads), run, toKeep: () => ({ addresses: [model.onnx] }) };
}

async function whereabouts(device, threads) {
  if (device !== "webgpu") return `WebAssembly SIMD, threads: ${threads}`;
  const { info } = await navigator.gpu.requestAdapter();
  return [info?.vendor, info?.architecture, info?.description].filter(Boolean).join(" ") || "WebGPU";
}
