#!/usr/bin/env python3
"""The default pack with its matrices in float16 instead of int8, to compare devices where weights are float16:

    tests/bench/float16_pack.py models/packs/clip-vit-base-patch16-int8 OUT      # OUT/pack.json and OUT/model.safetensors
    safelight features PICTURES --treatments as-given --pack OUT --device cpu --out A.safetensors
    safelight features PICTURES --treatments as-given --pack OUT --device gpu --out B.safetensors
    safelight parity A.safetensors B.safetensors
"""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

FILE = "model.safetensors"


def expanded(stored):
    """Every int8 matrix times its scales `[out]`, as float16; all else as it is."""
    scaled = {name: stored[f"{name}.scale"] for name, value in stored.items() if value.dtype == np.int8}
    for name, value in stored.items():
        if name in scaled:
            scale = scaled[name].reshape([-1] + [1] * (value.ndim - 1))
            yield name, (value.astype(np.float32) * scale).astype(np.float16)
        elif name.removesuffix(".scale") not in scaled:
            yield name, value


def main(pack, out):
    pack, out = Path(pack), Path(out)
    manifest = json.loads((pack / "pack.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    save_file(dict(expanded(load_file(pack / FILE))), out / FILE)
    weights = (out / FILE).read_bytes()
    manifest["id"] += "-float16"
    manifest["name"] += ", expanded to float16"
    manifest["files"] = [{"name": FILE, "bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}]
    (out / "pack.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
