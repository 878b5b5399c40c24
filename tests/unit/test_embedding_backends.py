"""ONNX Runtime gives the vectors of sentence-transformers without loading it, and says where it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stagekit.base.inference.processor import cpu_flags
from stagekit.embedding import (
    ModelUnavailableError,
    computation,
    embed_texts,
    load_model,
    resolve_backend,
    resolve_model,
    vector_key,
)
from stagekit.embedding.onnx.int8_graph import quantised
from stagekit.embedding.onnx.model import OnnxModel, load_onnx_model
from stagekit.embedding.packaged_e5.convert import write_sentence_transformer
from tests.bench.random_model import SMALL, write_xlm_roberta
from tests.crash.tiny_model import write_tiny_model
from tests.unit.embedding_models import write_e5s1

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TEXTS = [
    "O servidor tem direito a trinta dias de férias.",
    "Férias",
    "The password must be changed every ninety days, and never shared with anyone else.",
    "¿Cuándo vence el plazo?",
    "a " * 60,
]
SHORT = ["ab cd", "uma frase mais longa que as outras", "z"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    write_sentence_transformer(write_e5s1(tmp_path / "tiny.bin"), folder)
    return folder


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def rewrite_tensors(directory: Path, **changes: object) -> None:
    """Save the weights anew: a name with the value None is left out, an array takes its place."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    for name, value in changes.items():
        key = next(key for key in tensors if key.endswith(name))
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    save_file(tensors, directory / "model.safetensors")


def both(directory: Path, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    models = [load_model(str(directory), backend=backend) for backend in ("onnx", "torch")]
    fast, slow = (embed_texts(model, texts, batch_size=3) for model in models)
    return fast, slow


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_both_backends_make_the_same_vectors(tmp_path: Path, pooling: str) -> None:
    directory = write_tiny_model(tmp_path / "tiny")
    config = {
        "word_embedding_dimension": 32,
        f"pooling_mode_{pooling}_token{'s' * (pooling == 'mean')}": True,
    }
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(config))
    fast, slow = both(directory, TEXTS)
    np.testing.assert_allclose(fast, slow, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["packaged/multilingual-e5-small", "packaged/all-MiniLM-L6-v2"])
def test_the_packaged_models_make_the_same_vectors_and_ranking(name: str) -> None:
    from sentence_transformers import SentenceTransformer

    files = resolve_model(name)
    fast, slow = (load_model(name, backend=backend) for backend in ("onnx", "torch"))
    assert (type(fast), type(slow)) == (OnnxModel, SentenceTransformer)
    made, expected = (embed_texts(model, TEXTS, files.passage_prompt) for model in (fast, slow))
    assert (made * expected).sum(axis=1).min() >= 0.99999
    question = ["Quantos dias de férias tem o servidor?"]
    asked, wanted = (embed_texts(model, question, files.query_prompt) for model in (fast, slow))
    assert np.array_equal(np.argsort(asked @ made.T), np.argsort(wanted @ expected.T))


@pytest.mark.slow
def test_a_model_saved_by_sentence_transformers_itself_runs_in_onnx_runtime(tmp_path: Path) -> None:
    directory = write_tiny_model(tmp_path / "tiny")
    load_model(str(directory), backend="torch").save_pretrained(str(tmp_path / "saved"))
    fast, _ = both(tmp_path / "saved", TEXTS)
    np.testing.assert_array_equal(fast, both(directory, TEXTS)[0])


def test_weights_of_a_larger_model_and_behind_a_link_are_found(directory: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    expected = embed_texts(load_model(str(directory)), TEXTS[:2])
    tensors = load_file(directory / "model.safetensors")
    (directory / "model.safetensors").unlink()
    save_file({f"bert.{name}": tensor for name, tensor in tensors.items()}, tmp_path / "blob")
    (directory / "model.safetensors").symlink_to(tmp_path / "blob")
    np.testing.assert_array_equal(embed_texts(load_model(str(directory)), TEXTS[:2]), expected)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_vector_is_the_same_to_the_bit_whatever_it_is_made_with(
    directory: Path, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{'ab ' * (number % 25)}z{number}" for number in range(200)]
    model = load_model(str(directory), dtype=dtype)
    together = embed_texts(model, texts, batch_size=400)
    alone = np.concatenate([embed_texts(model, [text], batch_size=1) for text in reversed(texts)])[::-1]
    np.testing.assert_array_equal(together, alone)
    monkeypatch.setattr("stagekit.embedding.singly.cores", lambda: 1)
    one_thread = load_onnx_model(resolve_model(str(directory)), dtype)
    np.testing.assert_array_equal(together, embed_texts(one_thread, texts))


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_an_xlm_roberta_makes_the_same_vectors_in_both_backends(tmp_path: Path, pooling: str) -> None:
    directory = write_xlm_roberta(tmp_path / "xlmr", SMALL, pooling=pooling)
    longest = " ".join(f"w{number * 7 % 1000}" for number in range(510))  # its last position is used
    fast, slow = both(directory, ["w1 w2 w3", "w5", longest, "w9 w8"])
    np.testing.assert_allclose(fast, slow, atol=1e-5)
    (directory / "sentence_bert_config.json").unlink()
    assert resolve_model(str(directory)).max_seq_length == 512, "positions 0 and 1 belong to no token"


def test_int8_vectors_point_where_float32_ones_do(directory: Path) -> None:
    exact, coarse = (
        embed_texts(load_model(str(directory), dtype=dtype), SHORT) for dtype in ("float32", "int8")
    )
    cosines = (exact * coarse).sum(axis=1)
    assert 0.99 < cosines.min() < 1 - 1e-7


@pytest.mark.slow
def test_int8_keeps_the_packaged_model_within_a_thousandth_of_float32() -> None:
    name = "packaged/multilingual-e5-small"
    texts = [f"passage: {text}" for text in TEXTS[:4]]
    exact, coarse = (embed_texts(load_model(name, dtype=dtype), texts) for dtype in ("float32", "int8"))
    assert (exact * coarse).sum(axis=1).min() >= 0.9995


def test_a_processor_without_the_exact_instruction_makes_the_same_int8_vectors(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = resolve_model(str(directory))
    made = []
    for flags in (frozenset({"avx2"}), frozenset({"avx2", "avx512_vnni"})):
        monkeypatch.setattr("stagekit.embedding.onnx.int8_graph.cpu_flags", lambda flags=flags: flags)
        made.append(embed_texts(load_onnx_model(files, "int8"), SHORT))
    if not cpu_flags() & {"avx512_vnni", "avx_vnni", "asimddp"}:
        pytest.skip("this processor has not the instruction that the second one needs")
    np.testing.assert_array_equal(*made)


def test_rows_are_quantised_each_by_its_own_largest_value() -> None:
    weight = np.array([[0.5, -1.27, 0.01], [0, 0, 0], [100, 50, -1]], np.float32)
    codes, scales = quantised(weight)
    assert codes.tolist() == [[50, -127, 1], [0, 0, 0], [127, 64, -1]]
    assert np.abs(codes * scales[:, None] - weight).max() <= scales.max() / 2


def test_embedding_in_onnx_runtime_imports_neither_torch_nor_transformers(directory: Path) -> None:
    code = (
        "import sys; from stagekit.embedding import embed_texts, load_model, resolve_backend, resolve_model; "
        f"name = {str(directory)!r}; resolve_backend('auto', resolve_model(name)); "
        "embed_texts(load_model(name), ['ab']); "
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize(
    ("backend", "options", "expected"),
    [
        ("auto", {}, "onnx"),
        ("onnx", {}, "onnx"),
        ("torch", {}, "torch"),
        ("openvino", {}, "openvino"),
        ("auto", {"dtype": "bfloat16"}, "torch"),
        ("auto", {"device": "cuda"}, "torch"),
        ("auto", {"dtype": "int8"}, "onnx"),
        ("onnx", {"dtype": "int8"}, "onnx"),
    ],
)
def test_without_bfloat16_auto_is_onnx_runtime_on_a_cpu(
    directory: Path, backend: str, options: dict[str, str], expected: str
) -> None:
    assert resolve_backend(backend, resolve_model(str(directory)), **options) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [({"dtype": "bfloat16"}, "embedding_dtype is bfloat16"), ({"device": "cuda:1"}, "device is cuda:1")],
)
def test_onnx_where_it_cannot_be_names_the_setting(
    directory: Path, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ModelUnavailableError, match=f"{said} .*set embedding_backend to auto or torch"):
        resolve_backend("onnx", resolve_model(str(directory)), **options)
    with pytest.raises(ValueError, match="embedding_backend is 'jax': set it to auto, torch, onnx or"):
        resolve_backend("jax", resolve_model(str(directory)))


@pytest.mark.parametrize(
    ("backend", "device", "said"),
    [("torch", "cpu", "embedding_backend is torch"), ("auto", "cuda", "device is cuda and not cpu")],
)
def test_int8_where_it_cannot_be_names_the_setting(
    directory: Path, backend: str, device: str, said: str
) -> None:
    with pytest.raises(ModelUnavailableError, match=f"{said}: set embedding_dtype to float32, bfloat16"):
        resolve_backend(backend, resolve_model(str(directory)), dtype="int8", device=device)


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("config.json", {"model_type": "electra"}, "its architecture is electra"),
        ("config.json", {"hidden_act": "relu"}, "its hidden_act is relu"),
        ("config.json", {"position_embedding_type": "relative_key"}, "its position_embedding_type is"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "lower case"),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "its pooling is neither"),
        ("1_Pooling/config.json", {"include_prompt": False}, "its pooling is neither"),
    ],
)
def test_a_model_of_another_kind_is_left_to_openvino(
    directory: Path, file: str, changes: dict[str, object], said: str
) -> None:
    edit(directory / file, **changes)
    files = resolve_model(str(directory))
    assert resolve_backend("auto", files) == "openvino"
    with pytest.raises(ModelUnavailableError, match=said):
        resolve_backend("onnx", files)


def test_other_modules_and_weights_are_left_to_torch(directory: Path) -> None:
    files = resolve_model(str(directory))
    rewrite_tensors(directory, **{"word_embeddings.weight": np.zeros((4, 32), np.float16)})
    with pytest.raises(ModelUnavailableError, match="its weights are F16 and not F32"):
        resolve_backend("onnx", files)
    (directory / "model.safetensors").rename(directory / "model-00001-of-00001.safetensors")
    with pytest.raises(ModelUnavailableError, match="its weights are not one file"):
        resolve_backend("onnx", files)
    modules = json.loads((directory / "modules.json").read_text())
    modules[2]["type"] = "sentence_transformers.models.Dense"
    (directory / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelUnavailableError, match="its modules are Transformer, Pooling, Dense"):
        resolve_backend("onnx", files)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("value", [None, np.zeros((3, 3), np.float32), np.zeros(32, np.float32)])
def test_a_missing_or_odd_tensor_is_named(directory: Path, value: np.ndarray | None, dtype: str) -> None:
    rewrite_tensors(directory, **{"query.weight": value})
    with pytest.raises(ModelUnavailableError, match="no tensor encoder.layer.0.attention.self.query.weight"):
        load_model(str(directory), dtype=dtype)


def test_damaged_weights_are_named_with_the_remedy(directory: Path) -> None:
    weights = directory / "model.safetensors"
    whole = weights.read_bytes()
    for dtype, missing in (("float32", 5000), ("int8", len(whole) * 2 // 3)):
        weights.write_bytes(whole[:-missing])
        with pytest.raises(ModelUnavailableError, match=r"model\.safetensors .*save the model again"):
            load_model(str(directory), dtype=dtype)
    for damaged in (b"", whole[:100], b"\xff" * 64, b"\x02" + bytes(7) + b"[]"):
        weights.write_bytes(damaged)
        with pytest.raises(ModelUnavailableError, match="not a whole safetensors file"):
            load_model(str(directory))


def test_the_vectors_of_each_backend_and_number_type_are_kept_apart(directory: Path) -> None:
    files = resolve_model(str(directory))
    ways = [("float32", "onnx"), ("float32", "torch"), ("bfloat16", "torch"), ("int8", "onnx")]
    assert len({vector_key("ab", files.fingerprint, computation(*way)) for way in ways}) == 4


@pytest.mark.slow
def test_a_question_is_embedded_in_openvino_where_its_model_needs_it(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stagekit.search.query import question_embedder

    monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "models"))
    arguments = (str(directory), "", "float32", "cpu")
    light = question_embedder(resolve_model(str(directory)), *arguments)("ab")
    edit(directory / "1_Pooling" / "config.json", pooling_mode_max_tokens=True)
    files = resolve_model(str(directory))
    both_poolings = question_embedder(files, *arguments)("ab")
    assert (resolve_backend("auto", files), len(both_poolings)) == ("openvino", 2 * len(light))
