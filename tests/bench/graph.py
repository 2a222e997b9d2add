#!/usr/bin/env python3
"""The image tower of any model pack as a float32 ONNX model, for models that no exporter has written.

    tests/bench/graph.py PACK OUT.onnx      # pixel_values [n, 3, side, side] → image_embeds [n, projection]

Weights are those of the pack, made float32; they lie in OUT.onnx.data, because a protobuf ends at 2 GB. Operators are the
fused ones that onnxruntime has (LayerNormalization), or those that it fuses itself.
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, values):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def node(self, kind, *inputs, **attributes):
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def ints(self, *values):
        return self.weight(np.array(values, np.int64))

    def scalar(self, value):
        return self.weight(np.array(value, np.float32))


def build(folder):
    """The model, with its weights inside."""
    vision = json.loads((folder / "pack.json").read_text())["clip"]["vision"]
    file = safe_open(folder / "model.safetensors", "np")
    names = set(file.keys())

    def tensor(name):
        values = file.get_tensor(name).astype(np.float32)
        scale = f"{name}.scale"
        return values * file.get_tensor(scale).reshape(-1, *[1] * (values.ndim - 1)) if scale in names else values

    width, heads, patch = vision["width"], vision["heads"], vision["patch_size"]
    graph = Graph()

    def linear(x, name):
        return graph.node("Add", graph.node("MatMul", x, graph.weight(tensor(f"{name}.weight").T)), graph.weight(tensor(f"{name}.bias")))

    def norm(x, name):
        return graph.node("LayerNormalization", x, graph.weight(tensor(f"{name}.weight")), graph.weight(tensor(f"{name}.bias")), axis=-1, epsilon=1e-5)

    def split(x, order):  # [n, tokens, width] → [n, heads, tokens, width / heads] or, for keys, its last axes swapped
        return graph.node("Transpose", graph.node("Reshape", x, graph.ints(0, 0, heads, width // heads)), perm=order)

    kernel = tensor("vision_model.embeddings.patch_embedding.weight").reshape(width, 3, patch, patch)
    x = graph.node("Conv", "pixel_values", graph.weight(kernel), kernel_shape=[patch, patch], strides=[patch, patch])
    x = graph.node("Transpose", graph.node("Reshape", x, graph.ints(0, width, -1)), perm=[0, 2, 1])  # [n, patches, width]
    count = graph.node("Slice", graph.node("Shape", "pixel_values"), graph.ints(0), graph.ints(1))
    shape = graph.node("Concat", count, graph.ints(1, width), axis=0)
    token = graph.node("Expand", graph.weight(tensor("vision_model.embeddings.class_embedding").reshape(1, 1, width)), shape)
    x = graph.node("Add", graph.node("Concat", token, x, axis=1), graph.weight(tensor("vision_model.embeddings.position_embedding.weight")[None]))
    x = norm(x, "vision_model.pre_layrnorm")
    scale = graph.scalar((width // heads) ** -0.5)
    for index in range(vision["layers"]):
        block = f"vision_model.encoder.layers.{index}"
        y = norm(x, f"{block}.layer_norm1")
        query = split(graph.node("Mul", linear(y, f"{block}.self_attn.q_proj"), scale), [0, 2, 1, 3])
        key = split(linear(y, f"{block}.self_attn.k_proj"), [0, 2, 3, 1])
        value = split(linear(y, f"{block}.self_attn.v_proj"), [0, 2, 1, 3])
        shares = graph.node("Softmax", graph.node("MatMul", query, key), axis=-1)
        y = graph.node("Transpose", graph.node("MatMul", shares, value), perm=[0, 2, 1, 3])
        y = graph.node("Reshape", y, graph.ints(0, 0, width))
        x = graph.node("Add", x, linear(y, f"{block}.self_attn.out_proj"))
        y = linear(norm(x, f"{block}.layer_norm2"), f"{block}.mlp.fc1")
        y = graph.node("Mul", y, graph.node("Sigmoid", graph.node("Mul", y, graph.scalar(1.702))))  # QuickGELU
        x = graph.node("Add", x, linear(y, f"{block}.mlp.fc2"))
    x = graph.node("Gather", x, graph.weight(np.array(0, np.int64)), axis=1)  # the class token, [n, width]
    x = norm(x, "vision_model.post_layernorm")
    graph.nodes.append(helper.make_node("MatMul", [x, graph.weight(tensor("visual_projection.weight").T)], ["image_embeds"]))
    side, floats = vision["image_size"], TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("pixel_values", floats, ["n", 3, side, side])]
    outputs = [helper.make_tensor_value_info("image_embeds", floats, ["n", vision["projection"]])]
    body = helper.make_graph(graph.nodes, "image tower", inputs, outputs, graph.weights)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def main(folder, out):
    data = Path(f"{out}.data")
    data.unlink(missing_ok=True)  # onnx appends
    onnx.save_model(build(Path(folder)), out, save_as_external_data=True, location=data.name, size_threshold=1024)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
