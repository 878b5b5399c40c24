"""Texts become unit vectors: the same ones whatever else is in the batch, and none of a text that was cut."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from stagekit.base.inference.processor import BFLOAT16_VARIABLE
from stagekit.embedding import embed_texts, load_model, load_tokenizer, resolve_device, resolve_dtype
from stagekit.embedding.packaged_e5.convert import write_sentence_transformer
from tests.unit.embedding_models import HIDDEN, POSITIONS, write_e5s1

if TYPE_CHECKING:
    from stagekit.embedding import EmbeddingModel

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TEXTS = ["ab", "ação", "uma frase mais longa que as outras", "ab ab", "z"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    target = folder / "tiny"
    target.mkdir()
    write_sentence_transformer(write_e5s1(folder / "tiny.bin"), target)
    return target


@pytest.fixture(scope="module", params=[pytest.param("torch", marks=pytest.mark.slow), "onnx"])
def model(directory: Path, request: pytest.FixtureRequest) -> "EmbeddingModel":
    return load_model(str(directory), backend=request.param)


def test_vectors_have_length_one_and_do_not_depend_on_the_batch(model: "EmbeddingModel") -> None:
    together = embed_texts(model, TEXTS, "passage: ", batch_size=3)
    assert (together.shape, together.dtype) == ((5, HIDDEN), np.float32)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.concatenate([embed_texts(model, [text], "passage: ") for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    backwards = embed_texts(model, TEXTS[::-1], "passage: ", batch_size=3)[::-1]
    assert np.array_equal(together, backwards), "the order of the texts changes nothing"


def test_a_repeated_text_is_embedded_once(model: "EmbeddingModel", monkeypatch: pytest.MonkeyPatch) -> None:
    kind, seen = type(model), []
    encode = kind.encode

    def spy(self: object, batch: list[str], *arguments: object, **options: object) -> object:
        seen.extend(batch)
        return encode(self, batch, *arguments, **options)

    monkeypatch.setattr(kind, "encode", spy)
    rows = embed_texts(model, ["ab", "z", "ab"])
    assert sorted(seen) == ["ab", "z"]
    assert np.array_equal(rows[0], rows[2])
    assert embed_texts(model, []).shape == (0, HIDDEN)


def test_the_prompt_is_part_of_what_is_embedded(model: "EmbeddingModel") -> None:
    assert np.array_equal(embed_texts(model, ["ab"], "passage: "), embed_texts(model, ["passage: ab"]))


def test_a_text_that_would_be_cut_is_refused(model: "EmbeddingModel", directory: Path) -> None:
    counter = load_tokenizer(str(directory))
    longest = "z" * (POSITIONS - counter.count_embedded("z") + 1)
    while counter.count_embedded(longest) > POSITIONS:
        longest = longest[:-1]
    embed_texts(model, [longest], "passage: ")
    with pytest.raises(ValueError, match="lower chunk_size"):
        embed_texts(model, [longest + "z z z"], "passage: ")


@pytest.mark.slow
def test_model_and_token_counter_agree_on_every_text(directory: Path) -> None:
    model = load_model(str(directory), backend="torch")
    counter = load_tokenizer(str(directory))
    for text in (*TEXTS, "tab\tnova\nlinha\x07", "e\u0301 ﬁ Ａ\u200b~", "  "):
        ids = model.tokenizer(text)["input_ids"]
        assert ids == counter.tokenizer.encode(text).ids


@pytest.mark.slow
def test_bfloat16_stays_near_and_its_vectors_have_length_one(directory: Path) -> None:
    rows = embed_texts(load_model(str(directory), dtype="bfloat16"), TEXTS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert (rows * embed_texts(load_model(str(directory)), TEXTS)).sum(axis=1).min() > 0.99


def test_a_vector_that_is_not_finite_is_refused(
    model: "EmbeddingModel", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(model), "encode", lambda _, batch, *_a, **_k: np.full((len(batch), 2), np.nan))
    with pytest.raises(ValueError, match="not finite"):
        embed_texts(model, ["ab"])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx512f avx512bw avx512vl avx512dq avx512_bf16 sse", "bfloat16"),
        ("flags : fpu avx2 avx_vnni avx_vnni_int8 avx_ne_convert", "bfloat16"),
        ("flags : fpu avx512_bf16", "float32"),  # the system keeps the wide registers from programs
        ("flags : fpu avx2", "float32"),
        ("", "float32"),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(
    flags: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(BFLOAT16_VARIABLE)
    monkeypatch.setattr(Path, "read_text", lambda *_a, **_k: flags)
    assert resolve_dtype("auto") == expected
    assert resolve_dtype("fastest") == ("int8" if expected == "float32" else expected)
    monkeypatch.setenv(BFLOAT16_VARIABLE, "off")
    assert (resolve_dtype("auto"), resolve_dtype("fastest")) == ("float32", "int8")
    monkeypatch.setattr(Path, "is_file", lambda _: False)
    assert resolve_dtype("auto") == "float32"


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ValueError, match="embedding_dtype is 'int4'"):
        resolve_dtype("int4")
    with pytest.raises(ValueError, match="device is 'tpu'"):
        resolve_device("tpu")
    assert resolve_dtype("bfloat16", "auto") == "bfloat16"


@pytest.mark.parametrize("found", [True, False])
def test_auto_takes_the_gpu_where_torch_finds_one(
    found: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr("stagekit.embedding.hardware._DEV", tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: found)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    assert resolve_device("auto") == ("cuda" if found else "cpu")
    assert resolve_device("auto", "int8") == "cpu", "no GPU is asked to compute in it"
    assert resolve_dtype("auto", "cuda:1") == "bfloat16"


def test_without_a_gpus_device_file_torch_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("stagekit.embedding.hardware._DEV", tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("sys.platform", "linux")
    assert resolve_device("auto") == "cpu"
    monkeypatch.setattr("sys.platform", "win32")
    assert resolve_device("auto") == "cuda", "only Linux has such files"


def test_a_gpu_can_be_chosen_by_its_number() -> None:
    assert resolve_device("cuda:1") == "cuda:1"
