"""OpenVINO finds, reads and embeds what the other engines do, and says nothing to anybody about it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from docling.datamodel.accelerator_options import AcceleratorOptions
from PIL import Image, ImageDraw, ImageFont

from stagekit.base.inference.openvino_runtime import openvino
from stagekit.base.inference.processor import BFLOAT16_VARIABLE, has_bfloat16
from stagekit.embedding import (
    ModelUnavailableError,
    computation_of,
    embed_texts,
    load_model,
    resolve_backend,
    resolve_model,
)
from stagekit.embedding.openvino import prepared
from stagekit.embedding.openvino.prepared import known_obstacle, prepared_model
from stagekit.errors import StageError
from stagekit.processing.models.packaged_layout import PackagedLayoutModel, PackagedLayoutOptions
from stagekit.processing.models.page_engine import choose_page_engine, resolve_page_engine
from stagekit.processing.ocr.packaged_ocr import page_reader
from tests.crash.tiny_model import write_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TEXTS = ["O servidor tem direito a trinta dias de férias.", "Férias", "passwords " * 40, "¿Cuándo?"]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models' cache of the test's own."""
    monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BFLOAT16_VARIABLE, "on")
    if not has_bfloat16():
        pytest.skip("this processor does not compute in bfloat16")


@pytest.fixture
def engine() -> Any:
    yield choose_page_engine
    choose_page_engine("auto")


def scan() -> Image.Image:
    """Return a page of 150 dpi with a title, a paragraph and a table."""
    page = Image.new("RGB", (1240, 1754), "white")
    draw = ImageDraw.Draw(page)
    font = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    draw.text((120, 120), "Instrução Normativa nº 27", "black", ImageFont.truetype(font, 40))
    for line in range(8):
        words = f"Art. {line + 1}º O servidor que se afastar por {line + 3} dias comunica a chefia."
        draw.text((120, 240 + 48 * line), words, "black", ImageFont.truetype(font, 25))
    for row in range(5):
        draw.line((120, 740 + 60 * row, 1100, 740 + 60 * row), "black", 2)
        for column in range(3) if row < 4 else ():
            text = f"{row * 3 + column + 1},50"
            draw.text((150 + 330 * column, 752 + 60 * row), text, "black", ImageFont.truetype(font, 25))
    return page


def test_flags_and_openvino_agree_on_what_the_processor_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BFLOAT16_VARIABLE, "on")
    assert has_bfloat16() == ("BF16" in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    monkeypatch.setenv(BFLOAT16_VARIABLE, "no")
    with pytest.raises(StageError, match="NIC_ETL_BFLOAT16 is 'no': set it to off, or leave it out"):
        has_bfloat16()


def test_the_import_brings_no_converter_and_tells_nobody(tmp_path: Path) -> None:
    telemetry = tmp_path / "openvino_telemetry"
    telemetry.mkdir()
    (telemetry / "__init__.py").write_text(f"open({str(tmp_path / 'told')!r}, 'w').close()")
    code = (
        "import sys; from stagekit.base.inference.openvino_runtime import openvino; package = openvino(); "
        "print('openvino.tools.ovc' in sys.modules, hasattr(package, 'Core')); "
        "import openvino.tools.ovc"
    )
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
    assert [path.name for path in tmp_path.iterdir() if path != telemetry] == []


def test_the_engine_of_pages_is_onnx_runtime_without_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [resolve_page_engine(name) for name in ("auto", "onnx", "openvino")] == [
        "onnx",
        "onnx",
        "openvino",
    ]
    monkeypatch.setattr("stagekit.processing.models.page_engine.has_bfloat16", lambda: True)
    assert resolve_page_engine("auto") == "openvino"
    with pytest.raises(StageError, match="inference_engine is 'tpu': choose one of auto, openvino, onnx"):
        choose_page_engine("tpu")


def regions(image: Image.Image) -> tuple[list[str], Any, Any]:
    """The names, boxes and scores of what the layout model finds, from the top of the page downwards."""
    model = PackagedLayoutModel(None, AcceleratorOptions(num_threads=1), PackagedLayoutOptions())
    found = sorted(model._found(np.asarray(image.resize((620, 877)))), key=lambda region: region.box[1])
    return (
        [region.name for region in found],
        np.array([region.box for region in found]),
        np.array([region.score for region in found]),
    )


def lines(image: Image.Image) -> tuple[list[str], Any]:
    answer = page_reader()(np.asarray(image)[:, :, ::-1], use_det=True, use_cls=False, use_rec=True)
    return list(answer.txts), answer.boxes


def test_openvino_finds_the_same_regions_and_reads_the_same_lines(engine: Any) -> None:
    page, found, read = scan(), {}, {}
    for name in ("onnx", "openvino"):
        engine(name)
        found[name], read[name] = regions(page), lines(page)
    assert found["onnx"][0]
    assert found["openvino"][0] == found["onnx"][0]
    np.testing.assert_allclose(found["openvino"][1], found["onnx"][1], atol=0.1)
    np.testing.assert_allclose(found["openvino"][2], found["onnx"][2], atol=1e-3)
    assert "Instrução Normativa nº 27" in " ".join(read["onnx"][0])
    assert read["openvino"][0] == read["onnx"][0]
    np.testing.assert_allclose(read["openvino"][1], read["onnx"][1], atol=1)


@pytest.mark.usefixtures("bfloat16")
def test_in_bfloat16_regions_and_lines_are_where_they_are_in_float32(engine: Any) -> None:
    page, found, read = scan(), {}, {}
    for name in ("onnx", "openvino"):
        engine(name)
        page_reader.__globals__["_page_reader"].cache_clear()
        found[name], read[name] = regions(page), lines(page)
    page_reader.__globals__["_page_reader"].cache_clear()
    assert found["openvino"][0] == found["onnx"][0]
    np.testing.assert_allclose(found["openvino"][1], found["onnx"][1], atol=8)
    assert len(read["openvino"][0]) == len(read["onnx"][0])
    words = [set(" ".join(texts).split()) for texts, _ in read.values()]
    assert len(words[0] & words[1]) >= 0.95 * len(words[0])


@pytest.mark.slow
def test_a_model_is_traced_once_and_makes_the_vectors_of_torch(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = str(write_tiny_model(tmp_path / "tiny"))
    expected = embed_texts(load_model(directory, backend="torch"), TEXTS)
    model = load_model(directory, backend="openvino")
    assert computation_of(model) == "float32 openvino"
    made = embed_texts(model, TEXTS)
    assert (made * expected).sum(axis=1).min() >= 0.9999
    np.testing.assert_array_equal(np.concatenate([embed_texts(model, [text]) for text in TEXTS]), made)

    monkeypatch.setattr("stagekit.embedding.model._kept", {})
    monkeypatch.setattr("stagekit.embedding.openvino.prepared._prepare", None)
    again = load_model(directory, backend="openvino")
    assert again is not model
    assert again.compiled.get_property("LOADED_FROM_CACHE")
    np.testing.assert_array_equal(embed_texts(again, TEXTS), made)

    weights = prepared_model(resolve_model(directory)).with_suffix(".bin")
    content = bytearray(weights.read_bytes())
    content[100] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(content)
    monkeypatch.setattr("stagekit.embedding.model._kept", {})
    with pytest.raises(ModelUnavailableError, match=r"model\.bin is missing or damaged: delete .* and run"):
        load_model(directory, backend="openvino")


@pytest.mark.slow
@pytest.mark.usefixtures("bfloat16")
def test_in_bfloat16_vectors_point_where_they_do_in_float32() -> None:
    exact = load_model("packaged/multilingual-e5-small", backend="onnx")
    coarse = load_model("packaged/multilingual-e5-small", dtype="bfloat16", backend="openvino")
    assert computation_of(coarse) == "bfloat16 openvino"
    assert (embed_texts(exact, TEXTS) * embed_texts(coarse, TEXTS)).sum(axis=1).min() >= 0.9995


@pytest.mark.slow
def test_any_model_that_torch_can_trace_runs_and_another_is_left_to_torch(
    models: Path, tmp_path: Path
) -> None:
    from transformers import MPNetConfig, MPNetModel

    directory = write_tiny_model(tmp_path / "tiny")
    vocabulary = json.loads((directory / "config.json").read_text())["vocab_size"]
    config = MPNetConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=520,
        pad_token_id=1,
    )
    MPNetModel(config).save_pretrained(directory)
    files = resolve_model(str(directory))
    assert resolve_backend("auto", files) == "openvino", "ONNX Runtime has no graph for it"
    model = load_model(str(directory))
    assert computation_of(model) == "float32 openvino"
    expected = embed_texts(load_model(str(directory), backend="torch"), TEXTS)
    assert (embed_texts(model, TEXTS) * expected).sum(axis=1).min() >= 0.9999


@pytest.mark.slow
def test_a_model_that_looks_at_more_than_its_tokens_is_found_out_and_left_to_torch(
    models: Path, tmp_path: Path
) -> None:
    directory = write_tiny_model(tmp_path / "tiny")
    pooling = directory / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | {"include_prompt": False}))
    card = {"prompts": {"passage": "a long prompt of many words, which the pooling leaves out: "}}
    (directory / "config_sentence_transformers.json").write_text(json.dumps(card))
    model = load_model(str(directory))
    assert computation_of(model) == "float32 torch"
    files = resolve_model(str(directory))
    assert known_obstacle(files) == "where its vectors are others"
    assert resolve_backend("auto", files) == "torch"
    with pytest.raises(ModelUnavailableError, match="cannot run in OpenVINO, where its vectors are others"):
        load_model(str(directory), backend="openvino")


ALLOCATION = "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"


@pytest.fixture
def traced(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Files of a model, of which nothing is loaded or traced."""
    monkeypatch.setattr(prepared, "load_sentence_transformer", lambda *_: None)
    monkeypatch.setattr(prepared, "_traced", lambda *_: None)
    monkeypatch.setattr(prepared, "save_model", lambda _, path: path.write_text("model"))
    monkeypatch.setattr(prepared, "_difference", lambda *_: "")
    return resolve_model(str(write_tiny_model(tmp_path / "tiny")))


def failing(error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(ALLOCATION),
        RuntimeError("std::bad_alloc"),
        RuntimeError("[Errno 28] No space left on device"),
        MemoryError("1 GB"),
        OSError("2000 requested and 17 written"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_passing_fault_while_a_model_is_traced_is_no_obstacle(
    traced: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "_traced", failing(error))
        with pytest.raises(type(error)):
            prepared_model(traced)
    assert known_obstacle(traced) == ""
    assert prepared_model(traced).is_file()


def test_a_disk_that_is_full_when_a_model_is_saved_is_told_and_no_obstacle(
    traced: Any, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "save_model", failing(RuntimeError("basic_ios::clear: iostream error")))
        said = f"cannot be written to {models} for OpenVINO .*: make room"
        with pytest.raises(ModelUnavailableError, match=said):
            prepared_model(traced)
    assert known_obstacle(traced) == ""
    assert prepared_model(traced).is_file()


def test_what_cannot_be_traced_is_tried_again_by_another_version(
    traced: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "_traced", failing(RuntimeError("No conversion rule found for aten::odd")))
        with pytest.raises(ModelUnavailableError, match="cannot run in OpenVINO, torch or OpenVINO: No conv"):
            prepared_model(traced)
    assert known_obstacle(traced) == "torch or OpenVINO: No conversion rule found for aten::odd"
    with pytest.raises(ModelUnavailableError, match="No conversion rule"):
        prepared_model(traced)  # for good
    monkeypatch.setattr(prepared, "version", lambda _: "9.9")
    assert known_obstacle(traced) == ""
    assert prepared_model(traced).is_file()
