#!/usr/bin/env python3
"""Makes tests/golden/d3/: two small files of ELSA D3's layout, as Hugging Face's hub has them, and real pictures.

    pip install pyarrow==26.0.1 pillow==13.0.0
    tests/reference_d3.py

    0.parquet, 1.parquet   five records and one, snappy, two rows a group; columns id, original_prompt,
                           positive_prompt, negative_prompt, model, nsfw_prob, url, image_gen0…3 {bytes, path}
    real/ID.jpg            real pictures of all records but `d3-4`
"""
import io
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

GOLDEN = Path(__file__).parent / "golden" / "d3"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def picture(draw, kind):
    image = Image.new("RGB", (48, 40))
    image.putdata([tuple(min(255, channel + draw.randrange(40)) for channel in (60, 120 + 20 * kind, 80 + y)) for y in range(40) for _ in range(48)])
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()


def record(draw, number):
    images = {f"image_gen{kind}": {"bytes": picture(draw, kind), "path": f"{number}_{kind}.jpg"} for kind in range(4)}
    return {"id": f"d3-{number}", "original_prompt": f"a photo of thing {number}", "positive_prompt": f"thing {number}, high quality",
            "negative_prompt": "blurry", "model": "several", "nsfw_prob": 0.01, "url": f"https://example.org/{number}.jpg", **images}


def main():
    draw = random.Random(3)
    schema = pa.schema([*((name, pa.string()) for name in ("id", "original_prompt", "positive_prompt", "negative_prompt", "model")),
                        ("nsfw_prob", pa.float64()), ("url", pa.string()), *((f"image_gen{kind}", IMAGE) for kind in range(4))])
    (GOLDEN / "real").mkdir(parents=True, exist_ok=True)
    records = [record(draw, number) for number in range(6)]
    for name, part in (("0", records[:5]), ("1", records[5:])):
        pq.write_table(pa.Table.from_pylist(part, schema=schema), GOLDEN / f"{name}.parquet", compression="snappy", row_group_size=2)
    for number in (0, 1, 2, 3, 5):
        (GOLDEN / f"real/d3-{number}.jpg").write_bytes(picture(draw, 4))


if __name__ == "__main__":
    main()
