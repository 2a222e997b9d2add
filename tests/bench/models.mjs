// The models that are measured, what a page fetches of each, and where that lies on this machine.
import { join } from "node:path";

/**
 * A case names one of these. `dimension`: numbers of an embedding. `pack`: the address of Safelight's model; null: the default
 * one, with its head. `external`: the address of the weights that lie beside the ONNX file; null: they are inside.
 * `tooLarge`: onnxruntime-web may refuse it, which is a result then; of other models it is an error.
 */
export const MODELS = {
  "vit-b-16": { title: "ViT-B/16", weights: "the default model's", dimension: 512, pack: null, onnx: "/model.onnx", external: null, tooLarge: false },
  "vit-l-14": { title: "ViT-L/14", weights: "random", dimension: 768, pack: "/l14/", onnx: "/l14/model.onnx", external: "/l14/model.onnx.data", tooLarge: true },
};

/** The file for an address that belongs to a model, or null: `onnx` is the default model's file, `l14` the other one's folder. */
export function modelFile(pathname, { onnx, l14 }) {
  if (pathname === MODELS["vit-b-16"].onnx) return onnx ?? null;
  const [, name] = /^\/l14\/([\w-]+(?:\.[\w-]+)*)$/.exec(pathname) ?? [];
  return name === undefined || l14 === undefined ? null : join(l14, name);
}
