"""ONNX Runtime gives the vectors of sentence-transformers without loading it, and says where it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stagekit.embedding import (
    ModelUnavailableError,
    computation,
    embed_texts,
    load_model,
    resolve_backend,
    resolve_model,
    vector_key,
)
from stagekit.embedding.e5_convert import write_sentence_transformer
from stagekit.embedding.onnx_model import OnnxModel
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


def test_long_and_short_texts_do_not_change_each_others_vectors(directory: Path) -> None:
    model = load_model(str(directory))
    texts = [f"{'ab ' * (number % 25)}z{number}" for number in range(400)]
    together = embed_texts(model, texts, batch_size=400)
    alone = np.concatenate([embed_texts(model, [text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


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
        ("auto", {"dtype": "bfloat16"}, "torch"),
        ("auto", {"device": "cuda"}, "torch"),
    ],
)
def test_auto_is_onnx_runtime_on_a_cpu_in_float32(
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
    with pytest.raises(ValueError, match="embedding_backend is 'jax': set it to auto, torch or onnx"):
        resolve_backend("jax", resolve_model(str(directory)))


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("config.json", {"model_type": "xlm-roberta"}, "its architecture is xlm-roberta"),
        ("config.json", {"hidden_act": "relu"}, "its hidden_act is relu"),
        ("config.json", {"position_embedding_type": "relative_key"}, "its position_embedding_type is"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "lower case"),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "its pooling is neither"),
        ("1_Pooling/config.json", {"include_prompt": False}, "its pooling is neither"),
    ],
)
def test_a_model_of_another_kind_is_left_to_torch(
    directory: Path, file: str, changes: dict[str, object], said: str
) -> None:
    edit(directory / file, **changes)
    files = resolve_model(str(directory))
    assert resolve_backend("auto", files) == "torch"
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


@pytest.mark.parametrize("value", [None, np.zeros((3, 3), np.float32), np.zeros(32, np.float32)])
def test_a_missing_or_odd_tensor_is_named(directory: Path, value: np.ndarray | None) -> None:
    rewrite_tensors(directory, **{"query.weight": value})
    with pytest.raises(ModelUnavailableError, match="no tensor encoder.layer.0.attention.self.query.weight"):
        load_model(str(directory))


def test_damaged_weights_are_named_with_the_remedy(directory: Path) -> None:
    weights = directory / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-5000])
    with pytest.raises(ModelUnavailableError, match=r"model\.safetensors .*save the model again"):
        load_model(str(directory))
    for damaged in (b"", whole[:100], b"\xff" * 64, b"\x02" + bytes(7) + b"[]"):
        weights.write_bytes(damaged)
        with pytest.raises(ModelUnavailableError, match="not a whole safetensors file"):
            load_model(str(directory))


def test_the_vectors_of_two_backends_are_kept_apart(directory: Path) -> None:
    files = resolve_model(str(directory))
    names = [computation("float32", "onnx"), computation("float32", "torch")]
    assert len({vector_key("ab", files.fingerprint, name) for name in names}) == 2


@pytest.mark.slow
def test_a_question_is_embedded_by_torch_where_its_model_needs_it(directory: Path) -> None:
    from stagekit.search import _embed

    arguments = (str(directory), "", "float32", "cpu")
    light = _embed("ab", resolve_model(str(directory)), *arguments)
    edit(directory / "1_Pooling" / "config.json", pooling_mode_max_tokens=True)
    files = resolve_model(str(directory))
    both_poolings = _embed("ab", files, *arguments)
    assert (resolve_backend("auto", files), len(both_poolings)) == ("torch", 2 * len(light))
