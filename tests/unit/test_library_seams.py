"""What we need of libraries beyond their public interfaces is there and does what it did: a test a seam.

One that fails names what to look at when a library is raised: CONTRIBUTING.md, "To raise Docling".
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import inspect
import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
import pytest
from docling.backend.image_backend import ImageDocumentBackend
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument
from docling.models.factories import get_layout_factory
from docling.models.stages.ocr.rapid_ocr_model import RapidOcrModel
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from PIL import Image

from runner.kernels.libraries import papermill  # noqa: F401 - the engine can only be loaded from within it
from runner.kernels.seams.jupyter import note_kernel_info, start_through, use_process
from runner.kernels.seams.papermill import give_saving_back, take_saving_over
from stagekit.base.processes.interpreter import run_exit_functions
from stagekit.processing.ocr.packaged_ocr import picture_reader
from stagekit.processing.pdf import docling_plugin
from stagekit.processing.pdf.backend import PdfBackend
from stagekit.processing.pdf.converter import PagedConverter, pdf_pipeline_options
from stagekit.processing.pdf.pipeline import TextKeepingPdfPipeline
from stagekit.processing.seams import docling as docling_seams
from stagekit.processing.seams.onnxruntime import forget_weights
from stagekit.processing.seams.rapidocr import prepare_images_by, use_session
from tests.unit.processing_pdfs import pdf

ROOT = Path(__file__).parents[2]
SEAMS = {
    *(ROOT / "stage_notebooks/stagekit/processing/seams").glob("*.py"),
    *(ROOT / "runner/kernels/seams").glob("*.py"),
    ROOT / "stage_notebooks/stagekit/base/processes/interpreter.py",
    ROOT / "runner/dashboard/jupyter_seams.py",
}
OTHERS = {*(ROOT / "runner").rglob("*.py"), *(ROOT / "stage_notebooks/stagekit").rglob("*.py")} - SEAMS
PUBLIC = {"_replace", "_make", "_asdict", "_fields", "_exit"}  # of named tuples and `os`, documented as such


# ---- Docling --------------------------------------------------------------------------------------------


def two_pages_of_one_paragraph(page: Any) -> None:
    for number in (1, 2):
        page.setFont("Helvetica", 11)
        for index in range(46):
            page.drawString(60, 790 - 16 * index, f"linha {index} do texto que vai até o fim da página e")
        page.bookmarkPage(str(number))
        page.addOutlineEntry(f"Parte {number}", str(number))
        page.showPage()


@pytest.fixture(scope="module")
def conversion() -> SimpleNamespace:
    """A PDF of two pages that is converted while all that the seams tell is noted."""
    noted = SimpleNamespace(steps=[], models={}, parsers=[], readable=[], bookmarks=[], merged=[])

    class Watched(TextKeepingPdfPipeline):
        def models_loaded(self) -> None:
            noted.steps.append("models_loaded")
            noted.models = {
                name: type(getattr(self, name)).__name__
                for name in docling_seams.PdfPipelineSteps.__annotations__
            }
            super().models_loaded()
            order = self.reading_order_model
            own = order.parts_merged
            order.parts_merged = lambda *parts: noted.merged.append(parts[1:]) or own(*parts)
            predict = self.layout_model.predict_layout
            self.layout_model.predict_layout = lambda result, pages: look(pages) or predict(result, pages)

        def before_assembly(self, result: Any) -> None:
            noted.steps.append("before_assembly")
            super().before_assembly(result)
            noted.bookmarks.append(list(result._pdf_outline))
            result._pdf_outline = [*result._pdf_outline, SimpleNamespace(page_no=None)]
            docling_seams.forget_unplaced_bookmarks(result)
            noted.bookmarks.append(list(result._pdf_outline))

        def after_assembly(self, document: Any) -> None:
            noted.steps.append("after_assembly")
            super().after_assembly(document)

        def page_released(self, page: Any) -> None:
            noted.steps.append("page_released")
            super().page_released(page)
            noted.readable.append(docling_seams.is_readable(page))

    def look(pages: Any) -> None:
        noted.parsers += [docling_seams.parser_of(page) for page in pages]
        noted.readable += [docling_seams.is_readable(page) for page in pages]

    options = pdf_pipeline_options("packaged", "none", ["pt"], threads=1)
    with pytest.MonkeyPatch.context() as patch, docling_plugin.registered(alone=True):
        patch.setattr("stagekit.processing.pdf.converter.TextKeepingPdfPipeline", Watched)
        noted.result = PagedConverter(options).convert(pdf(two_pages_of_one_paragraph), "pdf", "two.pdf")
    return noted


def test_docling_calls_each_step_of_a_pdf(conversion: SimpleNamespace) -> None:
    released = ["page_released"] * 2
    assert conversion.steps == ["models_loaded", *released, "before_assembly", "after_assembly"]


def test_docling_has_the_models_that_are_replaced(conversion: SimpleNamespace) -> None:
    assert conversion.models == {
        "layout_postprocessing_model": "LayoutPostprocessingModel",
        "assemble_model": "PageAssembleModel",
        "reading_order_model": "ReadingOrderModel",
        "heading_hierarchy_model": "HeadingHierarchyModel",
    }


def test_doclings_pages_have_a_parser_until_they_are_released(conversion: SimpleNamespace) -> None:
    assert [bool(parser.get_text_in_rect) for parser in conversion.parsers] == [True, True]
    assert sorted(conversion.readable) == [False, False, True, True]


def test_doclings_documents_have_a_reader(conversion: SimpleNamespace) -> None:
    assert isinstance(docling_seams.backend_of(conversion.result.input), PdfBackend)
    picture = io.BytesIO()
    Image.new("RGB", (20, 20)).save(picture, "PNG")
    picture.seek(0)
    opened = InputDocument(picture, InputFormat.IMAGE, ImageDocumentBackend, filename="a.png")
    assert isinstance(docling_seams.backend_of(opened), ImageDocumentBackend)


def test_docling_has_read_the_bookmarks_when_it_looks_for_headings(conversion: SimpleNamespace) -> None:
    placed, kept = conversion.bookmarks
    assert [entry.page_no for entry in placed] == [1, 2]
    assert kept == placed


def test_docling_tells_which_parts_it_makes_one_paragraph_of(conversion: SimpleNamespace) -> None:
    ((before, rest),) = conversion.merged
    assert before.startswith("linha 0")
    assert rest.startswith("linha 0")
    assert len(conversion.result.document.texts[0].prov) == 2


def test_docling_asks_the_given_predictor_for_the_order(conversion: SimpleNamespace) -> None:
    from docling.models.stages.reading_order.readingorder_model import ReadingOrderModel, ReadingOrderOptions

    class AskedError(Exception):
        pass

    def predict(**_: Any) -> None:
        raise AskedError

    model = ReadingOrderModel(ReadingOrderOptions())
    docling_seams.order_pages_by(model, SimpleNamespace(predict_reading_order=predict))
    with pytest.raises(AskedError):
        model(conversion.result)


def test_doclings_ocr_model_reads_through_the_given_reader() -> None:
    from docling.datamodel.accelerator_options import AcceleratorOptions

    from stagekit.processing.ocr.page_ocr import PageRapidOcrOptions

    model = RapidOcrModel.__new__(RapidOcrModel)
    arguments: dict[str, Any] = {
        "enabled": True,
        "artifacts_path": None,
        "options": PageRapidOcrOptions(),
        "accelerator_options": AcceleratorOptions(),
    }
    docling_seams.open_rapid_ocr(model, arguments, lambda: "a reader")
    assert model.reader == "a reader"
    assert model.scale == PageRapidOcrOptions().scale
    assert {"reader", "scale"} <= set(RapidOcrModel.__call__.__code__.co_names)


def test_docling_finds_none_of_its_own_models_while_they_are_hidden() -> None:
    with docling_seams.without_own_engines():
        assert get_layout_factory(allow_external_plugins=False).registered_kind == []
    assert "layout_object_detection" in get_layout_factory(allow_external_plugins=False).registered_kind


# ---- RapidOCR, ONNX Runtime -----------------------------------------------------------------------------


def test_rapidocr_takes_a_session_that_is_open() -> None:
    session = picture_reader()._load_det_model().session.session
    with pytest.raises(TypeError, match="Expected session to be an InferenceSession"):
        another_reader("not one")
    assert another_reader(session)._load_det_model().session.session is session


def test_rapidocr_asks_for_its_preparation_with_every_image() -> None:
    reader = another_reader(picture_reader()._load_det_model().session.session)
    seen: list[tuple[int, ...]] = []

    def make(own: Any) -> Any:
        assert own.mean is not None
        assert own.std is not None

        def prepare(image: Any) -> Any:
            seen.append(image.shape)
            assert own.resize(image) is not None

        return prepare

    prepare_images_by(reader, make)
    for height in (64, 96):
        reader(np.full((height, 128, 3), 255, np.uint8), use_det=True, use_cls=False, use_rec=False)
    assert [shape[0] for shape in seen] == [64, 96]


def another_reader(session: Any) -> Any:
    from rapidocr import RapidOCR

    reader = RapidOCR(params={"Global.log_level": "error"})
    use_session(reader, "Det", session)
    reader._load_det_model()
    return reader


def test_onnx_runtime_keeps_the_weights_of_a_session_where_we_drop_them() -> None:
    import onnxruntime

    from stagekit.processing.models.weights import OCR

    session = onnxruntime.InferenceSession(
        OCR["Cls"].verified().read_bytes(), providers=["CPUExecutionProvider"]
    )
    assert session._model_bytes
    forget_weights(session)
    assert not session._model_bytes
    assert session.get_inputs()


# ---- papermill, Jupyter, Python -------------------------------------------------------------------------


def test_papermill_saves_through_the_notebook_manager(tmp_path: Path) -> None:
    from papermill.engines import NotebookExecutionManager

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", metadata={"papermill": {}})])
    manager = NotebookExecutionManager(notebook, output_path=str(tmp_path / "a.ipynb"), progress_bar=False)
    asked: list[str] = []
    save = take_saving_over(manager, lambda **_: asked.append("save"))
    manager.cell_start(notebook.cells[0], 0)
    assert asked
    assert not (tmp_path / "a.ipynb").exists()
    save()
    (tmp_path / "a.ipynb").unlink()
    give_saving_back(manager)
    manager.cell_complete(notebook.cells[0], 0)
    assert (tmp_path / "a.ipynb").exists()


def test_jupyters_client_takes_what_its_kernel_says_of_itself() -> None:
    client = AsyncKernelClient()
    note_kernel_info(client, {"content": {"protocol_version": "4.1"}})
    assert client.session.adapt_version == 4


def test_jupyters_manager_starts_its_kernel_through_the_given_provisioner() -> None:
    async def start() -> list[str]:
        launched: list[str] = []

        class Provisioner(LocalProvisioner):
            async def launch_kernel(self, cmd: list[str], **_: Any) -> dict[str, Any]:
                launched.append(cmd[0])
                use_process(self, SimpleNamespace(pid=4711, poll=lambda: None), "/tmp")
                return self.connection_info

        manager = KernelManager(transport="ipc")
        provisioner = Provisioner(kernel_id="a", kernel_spec=manager.kernel_spec, parent=manager)
        start_through(manager, "a", provisioner)
        await manager._async_start_kernel()
        assert manager.provisioner is provisioner
        assert await provisioner.poll() is None
        manager.cleanup_resources()
        return launched

    assert len(asyncio.run(start())) == 1


def test_jupyters_login_shows_the_page_that_is_replaced() -> None:
    login = pytest.importorskip("jupyter_server.auth.login").LoginFormHandler
    from runner.dashboard.jupyter_seams import OwnLoginPage

    class Page(OwnLoginPage):
        def __init__(self) -> None:
            self.shown: list[Any] = []

        def show(self, message: dict[str, str] | None = None) -> None:
            self.shown.append(message)

    page = Page()
    page._render({"error": "Invalid credentials"})
    assert page.shown == [{"error": "Invalid credentials"}]
    for method in (login.get, login.post):
        assert "_render" in inspect.unwrap(method).__code__.co_names


def test_voila_asks_for_its_addresses_where_one_is_added() -> None:
    voila = pytest.importorskip("voila.app").Voila
    from runner.dashboard.jupyter_seams import add_address

    application = SimpleNamespace(init_handlers=lambda: ["its own"])
    add_address(application, "/a", dict, {})
    assert application.init_handlers() == [("/a", dict, {}), "its own"]
    assert "init_handlers" in voila.start.__code__.co_names


def test_python_calls_what_is_registered_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: called.append("all"))
    run_exit_functions()
    assert called == ["all"]


# ---- nobody else ----------------------------------------------------------------------------------------


def private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and name not in PUBLIC


def test_no_other_module_touches_what_is_private_of_a_library() -> None:
    """What a module uses by a private name is defined in our code; what only the seams define is theirs."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in OTHERS}
    theirs = set().union(*(names_used(path) for path in SEAMS))
    ours = set().union(*map(names_defined, trees.values())) - theirs
    touched = {
        f"{path.name}:{node.lineno}: {node.attr}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and private(node.attr) and node.attr not in ours
    }
    overridden = {f"{path.name}: {name}" for path, tree in trees.items() for name in methods(tree) & theirs}
    imported = {
        f"{path.name}: {name}" for path, tree in trees.items() for name in imports(tree) if private(name)
    }
    assert not touched | overridden | imported


def imports(tree: ast.AST) -> Iterator[str]:
    """The words of what a module imports, dotted names in parts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield from alias.name.split(".")


def methods(tree: ast.AST) -> set[str]:
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {part.name for node in classes for part in node.body if isinstance(part, ast.FunctionDef)}


def names_defined(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.update({node.attr} if isinstance(node.value, ast.Name) and node.value.id == "self" else ())
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return set(filter(private, found))


def names_used(path: Path) -> set[str]:
    """The private names that a seam reaches for, by attribute or by overriding a method."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return set(filter(private, attributes | methods(tree)))
