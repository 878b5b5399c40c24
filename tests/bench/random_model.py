"""Writes XLM-RoBERTa models of random weights in any size, as sentence-transformers keeps them on disk.

The speed and memory of a model do not depend on its weights: with the shape of BAAI/bge-m3, which cannot be
had without a network, this measures what that model would take.
"""

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_PADDING = 1
_WORDS = 1000  # w0, w1, …: each is one token, so that a text's length is known
_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model.

    Attributes:
        layers: Number of layers.
        hidden: Length of a token's vector.
        heads: Attention heads.
        inner: Width of the feed-forward part.
        vocabulary: Rows of the table of words.
        positions: Rows of the table of positions, two of which belong to no token.
    """

    layers: int
    hidden: int
    heads: int
    inner: int
    vocabulary: int
    positions: int


BGE_M3 = Shape(layers=24, hidden=1024, heads=16, inner=4096, vocabulary=250_002, positions=8194)
SMALL = Shape(layers=2, hidden=64, heads=2, inner=128, vocabulary=1100, positions=514)


def write_xlm_roberta(directory: Path, shape: Shape, *, pooling: str = "cls", seed: int = 0) -> Path:
    """Fill a directory with config, tokenizer, pooling and `model.safetensors` (float32); return it."""
    directory.mkdir(parents=True, exist_ok=True)
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(kinds.items())
    ]
    for folder in filter(None, kinds):
        (directory / folder).mkdir(exist_ok=True)
    _write(directory / "modules.json", modules)
    _write(directory / "config.json", _config(shape))
    limit = {"max_seq_length": shape.positions - _PADDING - 1, "do_lower_case": False}
    _write(directory / "sentence_bert_config.json", limit)
    mode = {f"pooling_mode_{'cls_token' if pooling == 'cls' else 'mean_tokens'}": True}
    _write(directory / "1_Pooling" / "config.json", {"word_embedding_dimension": shape.hidden} | mode)
    _write_tokenizer(directory, shape)
    _write_weights(directory / "model.safetensors", shape, seed)
    return directory


def _config(shape: Shape) -> dict[str, object]:
    return {
        "architectures": ["XLMRobertaModel"],
        "model_type": "xlm-roberta",
        "hidden_act": "gelu",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": shape.positions,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "type_vocab_size": 1,
        "vocab_size": shape.vocabulary,
        "pad_token_id": _PADDING,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }


def _write_tokenizer(directory: Path, shape: Shape) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = {name: number for number, name in enumerate(_SPECIALS)}
    words |= {f"w{number}": len(_SPECIALS) + number for number in range(_WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(_SPECIALS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>"}
    config: dict[str, object] = {f"{name}_token": token for name, token in names.items()}
    config |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape.positions - 2}
    _write(directory / "tokenizer_config.json", config)


def _write_weights(path: Path, shape: Shape, seed: int) -> None:
    """Write tensor after tensor, so that a model of 2.3 GB needs no memory of that size."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, size in _tensors(shape):
        length = 4 * math.prod(size)
        header[name] = {"dtype": "F32", "shape": size, "data_offsets": [at, at + length]}
        at += length
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    random = np.random.default_rng(seed)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(raw)) + raw)
        for name, size in _tensors(shape):
            stream.write(_values(name, size, random).tobytes())


def _values(name: str, size: list[int], random: np.random.Generator) -> NDArray[np.float32]:
    values = random.standard_normal(size, dtype=np.float32) * np.float32(0.02 if len(size) > 1 else 0.1)
    return values + np.float32(1) if name.endswith("LayerNorm.weight") else values


def _tensors(shape: Shape) -> Iterator[tuple[str, list[int]]]:
    hidden, inner = shape.hidden, shape.inner
    for kind, rows in (("word", shape.vocabulary), ("position", shape.positions), ("token_type", 1)):
        yield f"embeddings.{kind}_embeddings.weight", [rows, hidden]
    yield from _pair("embeddings.LayerNorm", [hidden])
    for layer in (f"encoder.layer.{number}" for number in range(shape.layers)):
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            yield from _pair(f"{layer}.attention.{part}", [hidden, hidden])
        yield from _pair(f"{layer}.attention.output.LayerNorm", [hidden])
        yield from _pair(f"{layer}.intermediate.dense", [inner, hidden])
        yield from _pair(f"{layer}.output.dense", [hidden, inner])
        yield from _pair(f"{layer}.output.LayerNorm", [hidden])
    yield from _pair("pooler.dense", [hidden, hidden])


def _pair(name: str, size: list[int]) -> Iterator[tuple[str, list[int]]]:
    yield f"{name}.weight", size
    yield f"{name}.bias", size[:1]


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
