#!/usr/bin/env python3
"""Makes tests/golden/checkpoint/ with transformers: a tiny random CLIPModel as the hub has them.

    pip install -r tests/requirements.txt
    tests/reference_checkpoint.py                # golden/checkpoint
    tests/reference_checkpoint.py large OUT      # OUT/config.json, model.safetensors: random numbers in ViT-L/14's shapes, 1.7 GB

    config.json, model.safetensors               float32, in one file, with the buffers of old transformers
    tokenizer.json                               a vocabulary of its own, of 40 tokens: CLIP's steps, twelve letters
    captions.json                                captions and their ids
    parts/                                       the same model in bfloat16, in parts with their index
    goldens.safetensors                          pixels [n, 3, side, side], image_embeds [n, projection] of the float32 model
                                                 (projected, not normalised), and bfloat16.image_embeds of the other;
                                                 text_embeds [captions, projection] of the float32 model;
                                                 int8.NAME, int8.NAME.scale: numpy's int8 of two matrices
"""
import json
import shutil
import struct
import sys
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "golden" / "checkpoint"
QUANTISED = ["visual_projection.weight", "vision_model.embeddings.patch_embedding.weight"]


CAPTIONS = ["a red hill", "The BIG dog  on the hill", "dog", "a tree in a garden, or a hotel: the end of the line"]


def own_tokenizer(path):
    """The form that transformers writes CLIP's in (`cargo xtask models` makes one), with another vocabulary."""
    start, end = "<|startoftext|>", "<|endoftext|>"
    letters = "abdeghilnort"
    merges = [("t", "h"), ("th", "e</w>"), ("h", "i"), ("hi", "l"), ("hil", "l</w>"), ("d", "o"), ("do", "g</w>"), ("r", "e"),
              ("re", "d</w>"), ("o", "n</w>"), ("i", "n</w>"), ("b", "i"), ("bi", "g</w>"), ("a", "t</w>")]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), start, end]
    whole = json.loads((Path(__file__).parent.parent / "models/tokenizer.json").read_text())
    ids = {token: id for id, token in enumerate(tokens)}
    whole["model"] |= {"vocab": ids, "merges": merges}
    for token in whole["added_tokens"]:
        token["id"] = ids[token["content"]]
    whole["post_processor"] |= {"cls": [start, ids[start]], "sep": [end, ids[end]]}
    path.write_text(json.dumps(whole, indent=1) + "\n")


def checkpoint():
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import CLIPConfig, CLIPModel

    shape = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 96}
    config = CLIPConfig(
        projection_dim=24,
        text_config={**shape, "vocab_size": 40, "max_position_embeddings": 9, "bos_token_id": 38, "eos_token_id": 39},
        vision_config={**shape, "image_size": 32, "patch_size": 8})
    model = CLIPModel(config).eval()
    rng = np.random.default_rng(1404)
    state = {}
    for name, tensor in sorted(model.state_dict().items()):
        value = rng.normal(0, 0.15, tuple(tensor.shape)).astype(np.float32)
        state[name] = torch.from_numpy(value + 1 if "norm" in name and name.endswith("weight") else value)
    model.load_state_dict(state)

    shutil.rmtree(GOLDEN, ignore_errors=True)
    model.save_pretrained(GOLDEN)
    whole = GOLDEN / "model.safetensors"
    buffers = {f"{tower}_model.embeddings.position_ids": torch.arange(n)[None] for tower, n in (("text", 9), ("vision", 17))}
    save_file({**load_file(whole), **buffers}, whole, metadata={"format": "pt"})

    pixels = torch.from_numpy(rng.normal(0, 1, (3, 3, 32, 32)).astype(np.float32))
    def embeds(model):
        with torch.no_grad():
            return model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output).float().numpy()
    goldens = {"pixels": pixels.numpy(), "image_embeds": embeds(model)}
    own_tokenizer(GOLDEN / "tokenizer.json")
    from transformers import PreTrainedTokenizerFast
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(GOLDEN / "tokenizer.json"))
    ids = [tokenizer(text, truncation=True, max_length=9)["input_ids"] for text in CAPTIONS]
    (GOLDEN / "captions.json").write_text(json.dumps([{"text": t, "ids": i} for t, i in zip(CAPTIONS, ids)], indent=1) + "\n")
    with torch.no_grad():
        rows = [model.text_projection(model.text_model(input_ids=torch.tensor([row])).pooler_output) for row in ids]
    goldens["text_embeds"] = torch.cat(rows).float().numpy()
    model.to(torch.bfloat16).save_pretrained(GOLDEN / "parts", max_shard_size="100KB")
    goldens["bfloat16.image_embeds"] = embeds(model.to(torch.float32))
    for name in QUANTISED:
        rows = state[name].numpy().reshape(len(state[name]), -1)
        scale = np.abs(rows).max(1) / np.float32(127)
        goldens |= {f"int8.{name}.scale": scale, f"int8.{name}": np.rint(rows / scale[:, None]).astype(np.int8)}
    from safetensors.numpy import save_file as save_arrays
    save_arrays({name: np.ascontiguousarray(value) for name, value in goldens.items()}, GOLDEN / "goldens.safetensors")
    for junk in GOLDEN.rglob("generation_config.json"):
        junk.unlink()


def large(folder):
    """Written tensor by tensor, so that it needs no torch and little memory."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    vision = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096, "patch_size": 14}
    config = {"model_type": "clip", "projection_dim": 768, "text_config": text, "vision_config": vision}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    shapes = {"logit_scale": [], "text_projection.weight": [768, 768], "visual_projection.weight": [768, 1024],
              "text_model.embeddings.token_embedding.weight": [49408, 768],
              "text_model.embeddings.position_embedding.weight": [77, 768],
              "vision_model.embeddings.class_embedding": [1024],
              "vision_model.embeddings.patch_embedding.weight": [1024, 3, 14, 14],
              "vision_model.embeddings.position_embedding.weight": [257, 1024]}
    norms = {"text_model.final_layer_norm": 768, "vision_model.pre_layrnorm": 1024, "vision_model.post_layernorm": 1024}
    for tower, sizes in (("text", text), ("vision", vision)):
        width, mlp = sizes["hidden_size"], sizes["intermediate_size"]
        for layer in range(sizes["num_hidden_layers"]):
            block = f"{tower}_model.encoder.layers.{layer}"
            norms |= {f"{block}.layer_norm1": width, f"{block}.layer_norm2": width}
            linears = {f"self_attn.{name}_proj": (width, width) for name in ("q", "k", "v", "out")}
            for name, (rows, columns) in {**linears, "mlp.fc1": (mlp, width), "mlp.fc2": (width, mlp)}.items():
                shapes |= {f"{block}.{name}.weight": [rows, columns], f"{block}.{name}.bias": [rows]}
    for norm, width in norms.items():
        shapes |= {f"{norm}.weight": [width], f"{norm}.bias": [width]}

    header, end = {}, 0
    for name in sorted(shapes):
        start, end = end, end + 4 * int(np.prod(shapes[name], dtype=np.int64))
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(14)
    with (folder / "model.safetensors").open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(shapes):
            out.write((rng.standard_normal(shapes[name], dtype=np.float32) * 0.02).tobytes())


if __name__ == "__main__":
    match sys.argv[1:]:
        case []: checkpoint()
        case ["large", folder]: large(folder)
        case _: sys.exit(__doc__)
