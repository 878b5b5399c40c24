"""A sentence-transformers directory of random weights, made without torch: real in kind, tiny in size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.crash.corpus import document

_HIDDEN, _INNER, _POSITIONS, _VOCABULARY = 32, 64, 512, 1200


def write_tiny_model(directory: Path, seed: int = 0) -> Path:
    """Write a BERT of one layer, its tokenizer trained on the corpus, and return the directory."""
    from safetensors.numpy import save_file

    directory.mkdir(parents=True, exist_ok=True)
    words = _write_tokenizer(directory)
    save_file(_tensors(words, seed), directory / "model.safetensors", metadata={"format": "pt"})
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(kinds.items())
    ]
    (directory / "2_Normalize").mkdir(exist_ok=True)
    _write(directory / "modules.json", modules)
    _write(directory / "config.json", _config(words))
    _write(directory / "sentence_bert_config.json", {"max_seq_length": _POSITIONS, "do_lower_case": False})
    _write(directory / "config_sentence_transformers.json", {"prompts": {}, "similarity_fn_name": "cosine"})
    pooling = {"word_embedding_dimension": _HIDDEN, "pooling_mode_mean_tokens": True}
    _write(directory / "1_Pooling" / "config.json", pooling)
    return directory


def _write_tokenizer(directory: Path) -> int:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=_VOCABULARY, special_tokens=specials, show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator((document(number) for number in range(60)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), specials, strict=True))
    config = {f"{name}_token": token for name, token in names.items()}
    config |= {"tokenizer_class": "PreTrainedTokenizerFast"}
    _write(directory / "tokenizer_config.json", config | {"model_max_length": _POSITIONS})
    return int(tokenizer.get_vocab_size())


def _config(words: int) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": _HIDDEN,
        "intermediate_size": _INNER,
        "max_position_embeddings": _POSITIONS,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "type_vocab_size": 2,
        "vocab_size": words,
        "pad_token_id": 0,
    }


def _tensors(words: int, seed: int) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(seed)
    layer = "encoder.layer.0"
    shapes = {
        "embeddings.word_embeddings": (words, _HIDDEN),
        "embeddings.position_embeddings": (_POSITIONS, _HIDDEN),
        "embeddings.token_type_embeddings": (2, _HIDDEN),
    }
    tensors = {f"{name}.weight": chance.normal(0, 0.3, shape) for name, shape in shapes.items()}
    dense = {f"{layer}.attention.self.{name}": (_HIDDEN, _HIDDEN) for name in ("query", "key", "value")}
    dense |= {f"{layer}.attention.output.dense": (_HIDDEN, _HIDDEN), "pooler.dense": (_HIDDEN, _HIDDEN)}
    dense |= {f"{layer}.intermediate.dense": (_INNER, _HIDDEN), f"{layer}.output.dense": (_HIDDEN, _INNER)}
    for name, shape in dense.items():
        tensors |= {f"{name}.weight": chance.normal(0, 0.3, shape), f"{name}.bias": np.zeros(shape[0])}
    for name in ("embeddings", f"{layer}.attention.output", f"{layer}.output"):
        norm = f"{name}.LayerNorm"
        tensors |= {f"{norm}.weight": np.ones(_HIDDEN), f"{norm}.bias": np.zeros(_HIDDEN)}
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
