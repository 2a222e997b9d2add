"""The picture files of golden/pictures with the pixels that Pillow sees in them, and the digests of golden/pixels."""
import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

GOLDEN = Path(__file__).parent / "golden"
WIDTH, HEIGHT = 37, 23


# ---------------------------------------------------------------------------- files of every kind


def photograph():
    """Smooth colours with one hard edge, so that chroma subsampling shows but does not dominate. -> [h, w, 3]"""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rgb = np.stack([40 + 5 * x, 220 - 7 * y, 90 + 2 * x + 3 * y], -1)
    rgb[8:16, 12:26] = (230, 60, 40)
    return rgb.astype(np.uint8)


def opacity():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (x * 7 + y * 11).astype(np.uint8)


def png(samples, colour_type, interlaced=False):
    """A PNG of 16-bit big-endian or 8-bit samples [h, w, c]: Pillow writes neither 16-bit colour nor Adam7."""
    height, width, _ = samples.shape
    wide = samples.dtype.itemsize == 2
    samples = samples.astype(">u2") if wide else samples
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x, y, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        part = samples[y::down, x::across]
        rows += b"".join(b"\0" + row.tobytes() for row in part) if part.shape[1] else b""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16 if wide else 8, colour_type, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def ycck():
    """Pillow writes four-channel JPEGs only as CMYK: hand it YCCK as if it were CMYK, then say so in Adobe's segment."""
    inks = np.asarray(Image.fromarray(photograph()).convert("YCbCr"))
    black = np.full((HEIGHT, WIDTH, 1), 255, np.uint8) - opacity()[..., None] // 4
    # Adobe stores inks inverted and Pillow inverts what it writes, hence the second inversion.
    four = Image.fromarray(255 - np.concatenate([inks, black], -1), "CMYK")
    data = bytearray(encode(four, "JPEG", quality=92, subsampling=0))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def encode(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def files():
    """Name and bytes of every sample."""
    rgb = Image.fromarray(photograph())
    rgba = Image.fromarray(np.dstack([photograph(), opacity()]))
    grey, palette = rgb.convert("L"), rgb.quantize(31)
    exif = Image.Exif()

    jpeg = {"quality": 92, "subsampling": 0}
    yield "jpeg-444.jpg", encode(rgb, "JPEG", **jpeg)
    yield "jpeg-422.jpg", encode(rgb, "JPEG", quality=92, subsampling=1)
    yield "jpeg-420.jpg", encode(rgb, "JPEG", quality=92, subsampling=2)
    yield "jpeg-progressive.jpg", encode(rgb, "JPEG", progressive=True, quality=92, subsampling=2)
    yield "jpeg-restart.jpg", encode(rgb, "JPEG", restart_marker_blocks=2, **jpeg)
    yield "jpeg-grey.jpg", encode(grey, "JPEG", quality=92)
    yield "jpeg-cmyk.jpg", encode(rgb.convert("CMYK"), "JPEG", **jpeg)
    yield "jpeg-ycck.jpg", ycck()
    # A camera's file carries a whole JPEG in a segment: its end marker is not the picture's.
    thumbnail = encode(rgb.resize((8, 5)), "JPEG", quality=50)
    yield "jpeg-thumbnail.jpg", encode(rgb, "JPEG", comment=thumbnail, **jpeg)
    yield "jpeg-trailing.jpg", encode(rgb, "JPEG", **jpeg) + b"appended by a camera, \xff\xd8\xff\xc0 and not a picture"
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        yield f"jpeg-orientation-{orientation}.jpg", encode(rgb, "JPEG", exif=exif, **jpeg)

    yield "png-rgb.png", encode(rgb, "PNG")
    yield "png-rgba.png", encode(rgba, "PNG")
    yield "png-grey.png", encode(grey, "PNG")
    yield "png-grey-alpha.png", encode(rgba.convert("LA"), "PNG")
    yield "png-bilevel.png", encode(rgb.convert("1"), "PNG")
    yield "png-palette.png", encode(palette, "PNG")
    yield "png-palette-alpha.png", encode(palette, "PNG", transparency=bytes(range(0, 248, 8)))
    yield "png-transparent-colour.png", encode(rgb, "PNG", transparency=(230, 60, 40))
    yield "png-orientation.png", encode(rgb, "PNG", exif=(exif.__setitem__(0x0112, 6), exif)[1])
    fine = photograph().astype(np.uint16) * 257 + np.arange(WIDTH, dtype=np.uint16)[:, None] % 97
    yield "png-rgb16.png", png(fine, 2)
    yield "png-rgba16.png", png(np.dstack([fine, opacity().astype(np.uint16) * 251]), 6)
    yield "png-grey16.png", png(fine[..., :1], 0)
    yield "png-interlaced.png", png(photograph(), 2, interlaced=True)

    yield "webp-lossless.webp", encode(rgb, "WEBP", lossless=True)
    yield "webp-lossless-alpha.webp", encode(rgba, "WEBP", lossless=True, exact=True)
    yield "webp-orientation.webp", encode(rgb, "WEBP", lossless=True, exif=exif)
    yield "webp-lossy.webp", encode(rgb, "WEBP", quality=92)
    yield "webp-lossy-alpha.webp", encode(rgba, "WEBP", quality=92)
    frames = [rgb, ImageOps.invert(rgb)]
    yield "webp-animated.webp", encode(frames[0], "WEBP", lossless=True, save_all=True, append_images=frames[1:])

    yield "gif.gif", encode(palette, "GIF")
    yield "gif-interlaced.gif", encode(palette, "GIF", interlace=1)
    yield "gif-transparent.gif", encode(palette, "GIF", transparency=3)
    yield "gif-animated.gif", encode(frames[0], "GIF", save_all=True, append_images=frames[1:])

    yield "bmp-rgb.bmp", encode(rgb, "BMP")
    yield "bmp-grey.bmp", encode(grey, "BMP")
    yield "bmp-palette.bmp", encode(palette, "BMP")


def upright_on_white(data):
    """What a viewer shows of a file: first frame, upright, 8 bit, over white. -> [h, w, 3]"""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    if image.mode == "I;16":  # Pillow clips on conversion; the upper 8 bits are what it takes of 16-bit colour
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def samples():
    """Writes golden/pictures: the files, and expected.safetensors with uint8 [h, w, 3] under each file's name."""
    from safetensors.numpy import save_file

    folder = GOLDEN / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, data in files():
        (folder / name).write_bytes(data)
        expected[name] = np.ascontiguousarray(upright_on_white(data))
    save_file(expected, folder / "expected.safetensors")


# ---------------------------------------------------------------------------- resized pictures


# Mean and standard deviation of CLIP's training pictures (openai/CLIP, clip.py).
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32).reshape(3, 1, 1)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32).reshape(3, 1, 1)


def clip_pixels(path, side=224):
    """CLIP's preprocessing of an upright RGB file. -> [3, side, side]"""
    image = Image.open(path).convert("RGB")
    scale = side / min(image.size)
    image = image.resize([max(side, round(length * scale)) for length in image.size], Image.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    return (np.asarray(image, np.float32).transpose(2, 0, 1) / 255 - MEAN) / STD


def grain(width, height):
    """Noise that tests/pixels.rs computes by the same integer formula. -> [h, w, 3]"""
    y, x, channel = np.mgrid[:height, :width, :3].astype(np.uint32)
    value = x * np.uint32(73856093) ^ y * np.uint32(19349663) ^ channel * np.uint32(83492791)
    value = (value ^ value >> np.uint32(13)) * np.uint32(0x5BD1E995)
    return (value >> np.uint32(24)).astype(np.uint8)


def resize():
    """Writes golden/pixels/resize.txt (width height to_width to_height sha256 of the bytes)
    and golden/pixels/clip.txt (width height side sha256 of the float32 pixels)."""
    sizes = [(1, 1, 1, 1), (1, 1, 7, 5), (2, 2, 224, 224), (3, 500, 3, 7), (500, 3, 7, 3), (64, 48, 64, 48),
             (64, 48, 32, 24), (64, 48, 64, 24), (64, 48, 32, 48), (63, 47, 64, 48), (97, 224, 224, 517), (101, 67, 13, 9),
             (224, 224, 225, 223), (400, 230, 390, 224), (640, 427, 336, 224), (1000, 10, 37, 20), (10, 1000, 20, 37),
             (1023, 769, 298, 224), (7, 5, 1, 1), (300, 200, 1, 200), (300, 200, 300, 1), (5, 3, 1201, 2),
             (20, 40, 10, 20), (20, 40, 11, 20), (20, 40, 21, 39), (20, 40, 21, 41), (108, 234, 97, 210)]
    folder = GOLDEN / "pixels"
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for width, height, to_width, to_height in sizes:
        image = Image.fromarray(grain(width, height)).resize((to_width, to_height), Image.BICUBIC)
        lines.append(f"{width} {height} {to_width} {to_height} {hashlib.sha256(image.tobytes()).hexdigest()}\n")
    (folder / "resize.txt").write_text("".join(lines))

    # The tall ones make Pillow start with the vertical pass, with 270 × 585 near the turning point.
    # 449 and 451 over 448: the longer side falls on a half, which rounds to the even number.
    views = [(1, 1, 224), (1, 1500, 224), (1500, 1, 224), (3, 500, 224), (449, 448, 224), (451, 448, 224), (448, 451, 224),
             (224, 224, 224), (227, 224, 224), (224, 301, 224), (97, 61, 224), (270, 585, 224), (300, 900, 224), (1200, 801, 224), (640, 480, 32), (33, 32, 32)]
    lines = []
    for width, height, side in views:
        file = io.BytesIO(encode(Image.fromarray(grain(width, height)), "PNG"))
        lines.append(f"{width} {height} {side} {hashlib.sha256(clip_pixels(file, side).tobytes()).hexdigest()}\n")
    (folder / "clip.txt").write_text("".join(lines))
