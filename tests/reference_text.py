#!/usr/bin/env python3
"""Makes the goldens under tests/golden/text/ with transformers, which shares no code with Safelight.

    pip install -r tests/requirements.txt
    pip download --no-deps open_clip_torch==3.3.0            # the wheel that carries CLIP's vocabulary
    tests/reference_text.py captions WHEEL                   # captions.json: captions and their token ids
    tests/reference_text.py towers                           # b16, l14, tiny.safetensors: both towers, two blocks deep
    tests/reference_text.py full OUT                         # the same at full depth, too large to commit

captions.json lists `text`, `ids` (CLIPTokenizer, cut at 77), and `clean`, the text after openai/CLIP's
`basic_clean` without ftfy.

The towers have the true widths of ViT-B/16 and ViT-L/14 (tiny is for browsers) and weights that both sides make from a counter (see
`values`), so that none are stored. Tensors, float32 unless noted; the metadata hold the configuration:

    ids [n, 77], lengths [n]     int64: captions, filled up with the end token
    text_embeds [n, projection]  projected feature, not normalised
    stage.{i} [n, width]         the end token after block i
    image_embeds [1, projection] of pixels made as the weights are, the last of them
"""
import gzip
import html
import json
import math
import random
import sys
import zipfile
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "golden" / "text"
CONTEXT = 77

# ---------------------------------------------------------------------------- captions


def tokenizer(wheel):
    """transformers' tokenizer over CLIP's vocabulary, read as openai/CLIP reads it."""
    from transformers import CLIPTokenizer

    printed = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printed]
    signs = [chr(byte) for byte in printed] + [chr(256 + number) for number in range(len(others))]
    packed = zipfile.ZipFile(wheel).read("open_clip/bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.decompress(packed).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    tokens = [*signs, *(sign + "</w>" for sign in signs), *map("".join, merges), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: number for number, token in enumerate(tokens)}, merges=merges)


def captions():
    written = [
        "", " ", "\n\t ", "a", "A photo of a cat.", "a photo of a cat", "A  PHOTO\tof\n\na   Cat",
        "it's the dog's bone, they'll say we've won; I'm sure you'd agree", "IT'S THE DOG'S", "rock'n'roll", "''''s",
        "12345 67,890.12 3rd 4th 1/2 100%", "²³ ½ Ⅷ ⅷ ٣ ३ 五", "www.example.com/path?x=1&y=2#z", "snake_case kebab-case CamelCase",
        "&amp; &lt;b&gt; &quot;quoted&quot; &#39;single&#39;", "Tom &amp;amp; Jerry", "&copy; 2020 &mdash; caf&eacute;",
        "&nbsp;&nbsp;space&nbsp;d", "&notanentity; &ampnosemicolon &#x1F600; &#128512;", "AT&T R&D Q&A", "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<|startoftext|>", "<|endoftext|>", "before<|endoftext|>after", "< |endoftext| >", "<|STARTOFTEXT|>",
        "😀", "😀😀😀 🎉", "👩‍👩‍👧‍👦 family", "👍🏽 thumbs", "🇩🇪🇫🇷 flags", "❤️ love ❤", "a🐱b🐶c", "☺︎ ☺️",
        "一只猫坐在垫子上", "猫の写真です。", "東京タワー、夜", "한국어 사진", "한국어", "混合 mixed 文字 text",
        "صورة قطة على السجادة", "قِطَّةٌ", "خانه‌ی ما", "חתול על המחצלת", "בְּרֵאשִׁית",
        "фотография кошки", "ФОТОГРАФИЯ КОШКИ", "Φωτογραφία γάτας ΣΊΣΥΦΟΣ", "भारत की तस्वीर", "ภาพถ่ายแมว", "Ảnh chụp con mèo",
        "café", "cafe\u0301", "CAFÉ", "naïve façade Ångström", "A\u030angstro\u0308m", "ﬁne ﬂow oﬃce", "ﷺ", "Ǆ ǅ ǆ",
        "İstanbul ISTANBUL ı", "Straße STRASSE ẞ", "ŒUVRE œuvre Æ", "Ｆｕｌｌ　ｗｉｄｔｈ １２３", "①②③ Ⓐ ㍿ ㎏",
        "zero\u200bwidth", "soft\u00adhyphen", "non\u00a0breaking\u2003em\u2028line\u2029para", "bom\ufeffinside", "nul\u0000byte", "bell\u0007 esc\u001b[0m", "\u0085next",
        "\u202eright to left", "e\u0301\u0301\u0301\u0301", "Z̸̡̛a̵͝l̷g̴o̶", "\ufffd", "\U0001f9ff\U000e0001", "𝔊𝔬𝔱𝔥𝔦𝔠 𝒮𝒸𝓇𝒾𝓅𝓉", "𠜎𠜱𠝹",
        "!!!???...", "--- *** ___ ===", "(a) [b] {c} <d>", "\"double\" 'single' “curly” ‘curly’ «guillemets»", "C:\\path\\file.jpg", "$1,000 €20 £3 ¥4 ₿",
        "#hashtag @mention", "a,b,c", "a.b.c", "1.5e-3 0xFF", "x² + y² = z²", "∑∫√∞≠≤", "→ ← ↑ ↓ ⇒", "▓▒░ █", "♥♦♣♠", "½ cup", "5° C 5℃",
        "masterpiece, best quality, (ultra-detailed:1.2), 8k, <lora:style:0.8>, (((bokeh)))",
        "trending on artstation, by greg rutkowski, octane render --ar 16:9 --v 5", "DSC_0042.JPG", "IMG_20200101_120000",
        "supercalifragilisticexpialidocious", "pneumonoultramicroscopicsilicovolcanoconiosis", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "a" * 5000, "1" * 200, "." * 300, "word " * 5000, " ".join(f"w{number}" for number in range(5000)), "猫" * 500, "😀" * 200,
        "ab " * 37 + "end", "a " * 75, "a " * 76, "a " * 74 + "supercalifragilistic",
    ]  # fmt: skip
    draw = random.Random(77)
    subjects = "a cat|an old man|two children|the Eiffel Tower|ein Hund|une église|el niño|пейзаж|山水|a 1967 Ford Mustang".split("|")
    actions = "sitting on|running through|painted by|next to|über|dans|in front of|reflected in|& beneath|made of".split("|")
    places = "a mat|Tokyo, Japan|the sea at 5 p.m.|Van Gogh's garden|München|São Paulo|Кремль|café №5|#sunset|“home”".split("|")
    ends = [".", "!", "", " — oil on canvas", " (2019)", " | Getty Images", " 📷", "...", " &amp; more", " 4K"]
    while len(written) < 400:
        words = [draw.choice(part) for part in (subjects, actions, places)]
        text = " ".join(words) + draw.choice(ends)
        written.append(draw.choice([text, text, text.upper(), text.title(), text.replace(" ", "  "), f" {text}\n"]))
    return written


def write_captions(wheel):
    split = tokenizer(wheel)
    rows = []
    for text in captions():
        ids = split(text, truncation=True, max_length=CONTEXT)["input_ids"]
        clean = html.unescape(html.unescape(text)).strip()
        rows.append({"text": text, "ids": ids, "clean": clean})
    lines = ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    (GOLDEN / "captions.json").write_text(f"[\n{lines}\n]\n")


# ---------------------------------------------------------------------------- towers

B16 = {
    "vision": {"image_size": 224, "patch_size": 16, "width": 768, "layers": 12, "heads": 12, "mlp": 3072, "projection": 512},
    "text": {"vocabulary": 49408, "context": 77, "width": 512, "layers": 12, "heads": 8, "mlp": 2048, "projection": 512},
}
L14 = {
    "vision": {"image_size": 224, "patch_size": 14, "width": 1024, "layers": 24, "heads": 16, "mlp": 4096, "projection": 768},
    "text": {"vocabulary": 49408, "context": 77, "width": 768, "layers": 12, "heads": 12, "mlp": 3072, "projection": 768},
}


TINY = {
    "vision": {"image_size": 32, "patch_size": 16, "width": 64, "layers": 2, "heads": 2, "mlp": 256, "projection": 32},
    "text": {"vocabulary": 100, "context": 77, "width": 64, "layers": 2, "heads": 2, "mlp": 256, "projection": 32},
}


def values(stream, count):
    """`count` numbers, uniform in -1…1 with 24 bits: SplitMix64 from the state stream · 2^32."""
    state = np.uint64(stream << 32) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def weight(stream, name, shape):
    """Biases 0.1, norms 1 ± 0.1, tables 1, and products that keep the variance."""
    drawn = values(stream, math.prod(shape))
    if len(shape) == 1 and name.endswith("weight"):
        drawn = np.float32(1) + np.float32(0.1) * drawn
    elif len(shape) == 1:
        drawn = np.float32(0.1) * drawn
    elif "embedding" not in name or "patch" in name:
        drawn = np.float32(math.sqrt(3 / math.prod(shape[1:]))) * drawn
    return drawn.reshape(shape)


def model(config):
    import torch
    from transformers import CLIPConfig, CLIPModel

    names = {"width": "hidden_size", "layers": "num_hidden_layers", "heads": "num_attention_heads", "mlp": "intermediate_size",
             "vocabulary": "vocab_size", "context": "max_position_embeddings", "projection": "projection_dim"}  # fmt: skip
    part = lambda of: {names.get(key, key): value for key, value in of.items()} | {"hidden_act": "quick_gelu"}
    text = part(config["text"]) | {"eos_token_id": config["text"]["vocabulary"] - 1}
    clip = CLIPConfig(text_config=text, vision_config=part(config["vision"]), projection_dim=config["text"]["projection"])
    clip = CLIPModel._from_config(clip, attn_implementation="eager").eval()
    state = {name: tensor for name, tensor in clip.state_dict().items() if name != "logit_scale" and "position_ids" not in name}
    ordered = sorted(state)
    for stream, name in enumerate(ordered):
        state[name] = torch.from_numpy(weight(stream, name, tuple(state[name].shape)))
    clip.load_state_dict(state, strict=False)
    return clip, len(ordered)


def write_towers(folder, towers, shallow):
    import torch
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for name, config in towers.items():
        config = json.loads(json.dumps(config))
        if shallow:
            config["text"] |= {"layers": 2, "vocabulary": 1000}
            config["vision"] |= {"layers": 2}
        clip, streams = model(config)
        end = config["text"]["vocabulary"] - 1
        draw = random.Random(14)
        lengths = [2, 3, 9, 40, 77]
        ids = np.full((len(lengths), CONTEXT), end, np.int64)
        for row, length in enumerate(lengths):
            ids[row, : length - 1] = [end - 1, *(draw.randrange(end - 1) for _ in range(length - 2))]
        side = config["vision"]["image_size"]
        pixels = torch.from_numpy(values(streams, 3 * side * side).reshape(1, 3, side, side))
        with torch.no_grad():
            text = clip.text_model(input_ids=torch.from_numpy(ids), output_hidden_states=True)
            tensors = {
                "ids": ids,
                "lengths": np.array(lengths, np.int64),
                "text_embeds": clip.text_projection(text.pooler_output).numpy(),
                "image_embeds": clip.visual_projection(clip.vision_model(pixel_values=pixels).pooler_output).numpy(),
            }
            for block, hidden in enumerate(text.hidden_states[1 : config["text"]["layers"] + 1]):
                rows = hidden.numpy()[np.arange(len(lengths)), np.array(lengths) - 1]
                tensors[f"stage.{block}"] = np.ascontiguousarray(rows)
        save_file(tensors, folder / f"{name}.safetensors", {"clip": json.dumps(config)})
        print(name, {key: value.shape for key, value in tensors.items()}, float(np.abs(tensors["text_embeds"]).max()))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["captions", wheel]:
            write_captions(wheel)
        case ["towers"]:
            write_towers(GOLDEN, {"b16": B16, "l14": L14}, shallow=True)
            write_towers(GOLDEN, {"tiny": TINY}, shallow=False)
        case ["full", out]:
            write_towers(Path(out), {"b16": B16, "l14": L14}, shallow=False)
        case _:
            sys.exit(__doc__)
