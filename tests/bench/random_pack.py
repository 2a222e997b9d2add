#!/usr/bin/env python3
"""A model pack of ViT-L/14's shapes with random weights in float16, 608 MB: what the bench times where the real one's 1.7 GB
cannot be fetched. Time does not depend on the values; the comparison of two engines does, so a picture must make a difference.

    tests/bench/random_pack.py OUT      # OUT/pack.json and OUT/model.safetensors, an image tower without a text tower
"""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

VISION = {"image_size": 224, "patch_size": 14, "width": 1024, "layers": 24, "heads": 16, "mlp": 4096, "projection": 768}
FILE = "model.safetensors"
SEED = 14


def tensors(vision):
    """Name → float16 values, under Hugging Face's names (src/clip/config.rs lists them)."""
    rng = np.random.default_rng(SEED)
    width, mlp, patch = vision["width"], vision["mlp"], vision["patch_size"]
    found = {}

    def random(name, shape, deviation, mean=0):
        found[name] = (mean + deviation * rng.standard_normal(shape, np.float32)).astype(np.float16)

    def norm(name):
        random(f"{name}.weight", [width], 0.1, 1)
        random(f"{name}.bias", [width], 0.1)

    def linear(name, outputs, inputs):  # of values around 1 it makes values around 1
        random(f"{name}.weight", [outputs, inputs], inputs**-0.5)
        random(f"{name}.bias", [outputs], 0.02)

    embeddings = "vision_model.embeddings"
    random(f"{embeddings}.class_embedding", [width], 0.5)
    random(f"{embeddings}.patch_embedding.weight", [width, 3, patch, patch], (3 * patch * patch) ** -0.5)
    random(f"{embeddings}.position_embedding.weight", [1 + (vision["image_size"] // patch) ** 2, width], 0.5)
    norm("vision_model.pre_layrnorm")
    for index in range(vision["layers"]):
        block = f"vision_model.encoder.layers.{index}"
        norm(f"{block}.layer_norm1")
        norm(f"{block}.layer_norm2")
        for name in ("q", "k", "v", "out"):
            linear(f"{block}.self_attn.{name}_proj", width, width)
        linear(f"{block}.mlp.fc1", mlp, width)
        linear(f"{block}.mlp.fc2", width, mlp)
    norm("vision_model.post_layernorm")
    random("visual_projection.weight", [vision["projection"], width], width**-0.5)
    return found


def main(out, vision):
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors(vision), folder / FILE)
    weights = (folder / FILE).read_bytes()
    file = {"name": FILE, "bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}
    manifest = {
        "format": 1, "id": "clip-vit-large-patch14-random", "name": "ViT-L/14's shapes, random weights", "licence": "MIT",
        "source": "Random numbers, made by tests/bench/random_pack.py.", "clip": {"vision": vision}, "files": [file],
    }
    (folder / "pack.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1], VISION)
