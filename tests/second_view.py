#!/usr/bin/env python3
"""What the second view brings, and whether sizes explain it: a linear probe, independent of Safelight's own training.

    safelight features PICTURES --centres CENTRES --out FEATURES
    pip install -r tests/requirements.txt
    tests/second_view.py FEATURES PICTURES/metadata.csv

With features of `--views whole,detail,details` it also tells what five squares bring in place of one.

A camera's picture has ten times the pixels of a generated one, so a crop at full resolution might be told by its resolution
alone. Of the pictures that have such a crop, the file's own facts (`original_*` in metadata.csv) give a null that sees no
pixel. Every score is of a fold that the picture's source is not in. Then pairs are compared only within tenths of the null's
score: what the null knows is nearly equal there, and what is left of the second view's gain is not explained by it. Intervals
draw whole sources anew.
"""
import csv
import json
import sys

import numpy as np
from safetensors import safe_open
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

BLOCKS = [1, 5, 9]  # of the default head: of each the class token and the mean of the patch tokens
FOLDS, STRATA, DRAWS = 5, 10, 500


def read(path):
    """The views of the pictures as given that have all of them, `[n, d]` each, and the pictures."""
    with safe_open(path, "numpy") as file:
        contents = json.loads(file.metadata()["safelight-features"])
        pictures, names = contents["pictures"], contents["views"]
        present = file.get_tensor("present").astype(bool)  # [n, treatments, views]
        embedding, *tokens = (file.get_tensor(name) for name in ("embedding", "class_tokens", "patch_means"))
    first = np.cumsum(present.sum((1, 2))) - present.sum((1, 2))  # of each picture's rows
    full = np.flatnonzero(present[:, 0].all(1))
    unit = lambda part: part / np.linalg.norm(part, axis=1, keepdims=True) * part.shape[1] ** 0.5
    of_blocks = lambda rows: [part for kind in tokens for part in kind[rows][:, BLOCKS].swapaxes(0, 1)]
    view = lambda rows: np.hstack([unit(part.astype(np.float32)) for part in [embedding[rows], *of_blocks(rows)]])
    return {name: view(first[full] + at) for at, name in enumerate(names)}, [pictures[index] for index in full]


def facts(row):
    """What a file says of itself without a pixel."""
    width, height, size = (float(row[f"original_{name}"]) for name in ("width", "height", "bytes"))
    multiple = width % 64 == 0 and height % 64 == 0
    forms = [row["original_format"] == name for name in ("JPEG", "PNG", "WEBP")]
    return [np.log(width), np.log(height), np.log(width / height), np.log(width * height), size / width / height, width == height, multiple, *forms]


def held_out(make, values, labels, sources):
    """Scores of every row from a fold that its source is not in, `[n]`."""
    scores = np.zeros(len(labels))
    for learnt, judged in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=1).split(values, labels, sources):
        scores[judged] = make().fit(values[learnt], labels[learnt]).predict_proba(values[judged])[:, 1]
    return scores


def within(scores, labels, strata):
    """The area over pairs of the same stratum."""
    areas, weights = [], []
    for stratum in np.unique(strata):
        here = strata == stratum
        generated = labels[here].sum()
        if 0 < generated < here.sum():
            areas.append(roc_auc_score(labels[here], scores[here]))
            weights.append(generated * (here.sum() - generated))
    return np.average(areas, weights=weights)


def main(features, metadata):
    views, pictures = read(features)
    with open(metadata, newline="") as file:
        rows = {row["file_name"]: row for row in csv.DictReader(file)}
    labels = np.array([picture["generated"] for picture in pictures]).astype(int)
    sources = np.array([picture["source"] for picture in pictures])
    known = np.array([facts(rows[picture["name"]]) for picture in pictures], dtype=np.float32)
    probe = lambda: LogisticRegression(C=1e-3, max_iter=300)
    null = held_out(lambda: HistGradientBoostingClassifier(max_iter=100, random_state=1), known, labels, sources)
    scores = {"null (facts alone)": null}
    looks = {"whole picture": ["whole"], "detail": ["detail"], "both views": ["whole", "detail"]}
    if "details" in views:
        looks |= {"five squares": ["details"], "whole and five": ["whole", "details"]}
    for name, of in looks.items():
        scores[name] = held_out(probe, np.hstack([views[view] for view in of]), labels, sources)
    strata = np.searchsorted(np.quantile(null, np.linspace(0, 1, STRATA + 1)[1:-1]), null)

    names, random = np.unique(sources), np.random.default_rng(1)
    places = {name: np.flatnonzero(sources == name) for name in names}
    draws = [np.concatenate([places[name] for name in random.choice(names, len(names))]) for _ in range(DRAWS)]
    interval = lambda values: "{:.3f}–{:.3f}".format(*np.quantile(values, [0.025, 0.975]))
    print(f"{len(labels)} pictures, {labels.sum()} generated, {len(names)} sources")
    for title, area in [("all pairs", lambda at, name: roc_auc_score(labels[at], scores[name][at])), ("pairs alike to the null", lambda at, name: within(scores[name][at], labels[at], strata[at]))]:
        everyone = np.arange(len(labels))
        print(f"\n{title}")
        drawn = {name: np.array([area(at, name) for at in draws]) for name in scores}
        for name in scores:
            print(f"  {name:<20} {area(everyone, name):.3f} ({interval(drawn[name])})")
        gain = area(everyone, "both views") - area(everyone, "whole picture")
        print(f"  gain of the second   {gain:+.3f} ({interval(drawn['both views'] - drawn['whole picture'])})")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
