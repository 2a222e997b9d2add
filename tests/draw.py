#!/usr/bin/env python3
"""A part of a folder of pictures, some of each source, drawn at random from those that have a centre at full resolution; so that
features in many views are soon there:

    tests/draw.py PICTURES CENTRES OUT 40 [SOURCE…]

takes 40 of a source at most, and none of the sources that are named. README's figures of five squares are of such a draw, without
the sources that the default head leaves out:

    safelight features OUT --centres CENTRES --treatments as-given --views whole,detail,details --out FEATURES
    safelight ablate FEATURES --width 64
    tests/second_view.py FEATURES PICTURES/metadata.csv
"""
import csv
import random
import shutil
import sys
from collections import defaultdict
from pathlib import Path


def main(pictures, centres, out, each, *without):
    with open(Path(pictures, "metadata.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    of_source = defaultdict(list)
    for row in rows:
        if row["source"] not in without and Path(centres, row["file_name"]).is_file():
            of_source[row["source"]].append(row)
    random.seed(1)
    drawn = []
    for _, own in sorted(of_source.items()):
        random.shuffle(own)
        drawn += own[: int(each)]
    for row in drawn:
        path = Path(out, row["file_name"])
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(pictures, row["file_name"]), path)
    with open(Path(out, "metadata.csv"), "w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(drawn)
    print(f"{len(drawn)} pictures of {len(of_source)} sources")


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 4 else sys.exit(__doc__)
