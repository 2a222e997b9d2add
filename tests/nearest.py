#!/usr/bin/env python3
"""New sources that are hard to tell: pictures of a generator beside the photographs that are most like them in content, under one
name each, so that a head can be trained without them and then be led to them:

    safelight features PICTURES --centres CENTRES --out FEATURES
    tests/nearest.py FEATURES PICTURES/metadata.csv OUT GENERATOR…
    safelight train OUT --without GENERATOR --without near_GENERATOR … --no-cvar --no-auc --no-sam --folds 2 --out HEAD
    safelight curve OUT --head HEAD --group GENERATOR=GENERATOR,near_GENERATOR … --counts 25,100 --seeds 3 --config RATE.json

The rate of fine-tuning was chosen so, with saac_sd, nanobanana_songguo, horde_styles and easydiffusion_sd14, on the pictures that the
default head learns from; RATE.json is {"epochs": 20, "batch": 64, "learningRate": 0.001}, or another rate (`--counts 5,10 --seeds 5` for
few pictures).
"""
import csv
import json
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

EACH = 119  # of a generator, and as many photographs


def main(features, metadata, out, *generators):
    with open(metadata, newline="") as rows:
        photographs = {row["file_name"] for row in csv.DictReader(rows) if row["kind"] == "photo"}
    with safe_open(features, "numpy") as file:
        tensors, words = {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata())
    contents = json.loads(words["safelight-features"])
    pictures = contents["pictures"]
    # Content is compared at 256 pixels, where traces are faint: [n, projection].
    flat = tensors["present"].reshape(len(pictures), -1).astype(int)
    hard = contents["treatments"].index("hard") * len(contents["views"])
    rows = np.cumsum(flat.sum(1)) - flat.sum(1) + flat[:, :hard].sum(1)
    content = tensors["embedding"][rows]
    content /= np.linalg.norm(content, axis=1, keepdims=True)

    free = np.array([picture["name"] in photographs for picture in pictures])
    for generator in generators:
        own = [index for index, picture in enumerate(pictures) if picture["source"] == generator][:EACH]
        others = np.flatnonzero(free)
        likeness = content[own] @ content[others].T
        # The most alike pair first; each picture is in one pair only.
        paired, taken = set(), set()
        for a, b in zip(*np.unravel_index(np.argsort(-likeness, axis=None), likeness.shape)):
            if a not in paired and b not in taken:
                paired.add(a)
                taken.add(b)
        for b in taken:
            pictures[others[b]]["source"] = f"near_{generator}"
            free[others[b]] = False
        print(f"{generator}: {len(own)} pictures, {len(taken)} photographs")
    words["safelight-features"] = json.dumps(contents)
    save_file(tensors, out, metadata=words)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 4 else sys.exit(__doc__)
