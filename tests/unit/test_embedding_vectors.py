"""Vectors are kept by content: the same text is embedded once, and a damaged vector is never used."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stagekit.embedding import (
    EmbeddedTexts,
    VectorStore,
    accepted_computations,
    embed_with_reuse,
    embeddings_table,
    vector_key,
)


def vectors(*texts: str) -> np.ndarray:
    return np.array([[len(text), ord(text[0]), 1] for text in texts], np.float32)


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path / "cache" / "vectors.sqlite")


def embed(
    store: VectorStore, texts: list[str], calls: list[list[str]], made: str = "float32 onnx", **changes: Any
) -> EmbeddedTexts:
    def function(missing: list[str]) -> tuple[np.ndarray, str]:
        calls.append(missing)
        return vectors(*missing), made

    options = {"prompt": "passage: ", "model_fingerprint": "m@1"} | changes
    options.setdefault("accepted", accepted_computations("float32"))
    return embed_with_reuse(texts, function, store, **options)


def test_text_model_and_type_all_enter_the_key() -> None:
    keys = {
        vector_key(*parts)
        for parts in [("ab", "c", "d"), ("a", "bc", "d"), ("ab", "c", "e"), ("ab", "x", "d")]
    }
    assert len(keys) == 4
    assert vector_key("ab", "c", "d") in keys


def test_only_new_texts_reach_the_model_and_each_only_once(store: VectorStore) -> None:
    calls: list[list[str]] = []
    first = embed(store, ["a", "bb", "a"], calls)
    again = embed(VectorStore(store.path), ["bb", "ccc"], calls)
    assert calls == [["a", "bb"], ["ccc"]]
    assert (first.reused, again.reused) == (1, 1)
    assert np.array_equal(first.vectors, vectors("a", "bb", "a"))
    assert np.array_equal(again.vectors, vectors("bb", "ccc"))
    assert embed(store, ["a"], calls).reused == 1
    assert len(calls) == 2, "with every vector known the model is not needed at all"


@pytest.mark.parametrize("change", [{"prompt": ""}, {"model_fingerprint": "m@2"}])
def test_another_prompt_or_model_shares_no_vector(store: VectorStore, change: dict[str, str]) -> None:
    calls: list[list[str]] = []
    embed(store, ["a"], calls)
    embed(store, ["a"], calls, **change)
    assert calls == [["a"], ["a"]]


@pytest.mark.parametrize(
    ("made", "asked", "serves"),
    [
        ("bfloat16 openvino", "float32", True),
        ("float32 torch", "auto", True),
        ("float32 onnx", "int8", True),
        ("int8 onnx", "fastest", True),
        ("int8 onnx", "float32", False),
        ("int8 onnx", "auto", False),
    ],
)
def test_what_another_processor_made_as_exactly_is_not_made_again(
    store: VectorStore, made: str, asked: str, serves: bool
) -> None:
    calls: list[list[str]] = []
    first = embed(store, ["a"], calls, made)
    again = embed(store, ["a"], calls, "float32 openvino", accepted=accepted_computations(asked))
    assert len(calls) == (1 if serves else 2)
    assert again.computations == [made if serves else "float32 openvino"], "beside it stands what made it"
    assert (again.keys == first.keys) is serves


def test_a_damaged_vector_counts_as_missing(store: VectorStore) -> None:
    calls: list[list[str]] = []
    embedded = embed(store, ["a", "bb"], calls)
    with sqlite3.connect(store.path) as connection:
        key = bytes.fromhex(embedded.keys[0])
        connection.execute("UPDATE vectors SET vector = zeroblob(12) WHERE key = ?", (key,))
        connection.execute("UPDATE vectors SET vector = NULL WHERE key != ?", (key,))
    connection.close()
    assert store.get_many(embedded.keys) == {}
    assert np.array_equal(embed(store, ["a", "bb"], calls).vectors, embedded.vectors)
    assert len(store.get_many(embedded.keys)) == 2


def test_a_file_that_is_no_database_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "vectors.sqlite"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    assert VectorStore(path).get_many([vector_key("a", "m", "d")]) == {}
    assert list(tmp_path.glob("vectors.sqlite.damaged-*"))


def test_a_place_that_cannot_be_written_is_not_mistaken_for_damage(tmp_path: Path) -> None:
    (tmp_path / "vectors.sqlite").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        VectorStore(tmp_path / "vectors.sqlite")


def test_thousands_of_keys_at_once(store: VectorStore) -> None:
    made = {vector_key(str(n), "m", "d"): np.full(4, n, np.float32) for n in range(1500)}
    store.put_many(made)
    found = store.get_many([*made, vector_key("x", "m", "d")])
    assert found.keys() == made.keys()
    assert all(np.array_equal(found[key], made[key]) for key in made)


def test_the_arrow_table_keeps_vectors_as_fixed_size_lists(store: VectorStore) -> None:
    table = embeddings_table([0, 1], embed(store, ["a", "bb"], []))
    assert str(table.schema.field("vector").type) == "fixed_size_list<item: float>[3]"
    assert np.array_equal(np.array(table["vector"].to_pylist(), np.float32), vectors("a", "bb"))
