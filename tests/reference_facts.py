"""What Pillow says of the files in golden/pictures besides their pixels, and JPEGs of known quality."""
import hashlib
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from reference_samples import GOLDEN, encode, photograph, upright_on_white

SAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
# Dense where tables change slowly, and every number that people set.
QUALITIES = [1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 49, 50, 51, 60, 70, 75, 80, 85, 90, 92, 94, 95, 96, 97, 98, 99, 100]


def difference_hash(rgb):
    """Krawetz's dHash: 9 × 8 grey pixels, brighter than the left neighbour. [h, w, 3] -> 16 hexadecimal digits"""
    grey = np.asarray(Image.fromarray(rgb).resize((9, 8), Image.BICUBIC).convert("L"), np.int32)
    bits = "".join("01"[int(bit)] for bit in (grey[:, 1:] > grey[:, :-1]).ravel())
    return f"{int(bits, 2):016x}"


def facts_of(data):
    image = Image.open(io.BytesIO(data))
    kind = {"WEBP": "WebP", "MPO": "JPEG"}.get(image.format, image.format)
    jpeg = kind == "JPEG"
    grey = jpeg and image.layers == 1
    width, height = ImageOps.exif_transpose(image).size
    return {
        "width": width, "height": height, "format": kind, "bytes": len(data),
        "jpegSubsampling": "4:0:0" if grey else SAMPLING.get(JpegImagePlugin.get_sampling(image)) if jpeg else None,
        "exif": len(image.getexif()) > 0, "sha256": hashlib.sha256(data).hexdigest(),
        "perceptual": difference_hash(upright_on_white(data)),
    }


def facts():
    """Writes golden/facts: samples.json (facts of golden/pictures) and qualities.safetensors (uint8, a JPEG file under its quality)."""
    from safetensors.numpy import save_file

    folder = GOLDEN / "facts"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = sorted(path for path in (GOLDEN / "pictures").iterdir() if path.suffix != ".safetensors")
    samples = {path.name: facts_of(path.read_bytes()) for path in pictures}
    (folder / "samples.json").write_text(json.dumps(samples, indent=1) + "\n")
    small = Image.fromarray(photograph()[:8, :8])
    files = {f"{quality:03}-{'grey' if grey else 'colour'}": encode(small.convert("L") if grey else small, "JPEG", quality=quality)
             for quality in QUALITIES for grey in (False, True)}
    # An encoder of another family: every value a little off libjpeg's at quality 80.
    tables = [[round(value * 1.04) + 1 for value in table] for table in
              Image.open(io.BytesIO(encode(small, "JPEG", quality=80))).quantization.values()]
    files["odd"] = encode(small, "JPEG", qtables=tables)
    save_file({name: np.frombuffer(data, np.uint8) for name, data in files.items()}, folder / "qualities.safetensors")
