"""What is painted on a PDF page, in the order in which it is painted, as PDFium gives it.

The one place that speaks to PDFium's page objects; what to make of them is decided elsewhere.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

MOST_CORNERS = 6  # of a clip that is a rectangle
THINNEST_BAR = 4.0  # points of a stroke that is as good as a filled bar
USUAL_TEXT = 256  # bytes of the letters of a text object, beyond which they are asked for twice
NEAR_SQUARE = 1.2  # of the sides of a square, the longer over the shorter
ROUNDED = 0.3  # share of the side that a square's corners may be cut
MOST_NESTED = 12  # forms within forms; PDFium itself stops earlier

Matrix = tuple[float, float, float, float, float, float]
_UPRIGHT: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Box:
    """A rectangle in points from the bottom left, as the page's own coordinates go."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, points: Iterable[tuple[float, float]]) -> Box:
        """Return the smallest box that holds some points (x, y), of which there is at least one."""
        xs, ys = zip(*points, strict=True)
        return cls(min(xs), min(ys), max(xs), max(ys))

    @classmethod
    def around_all(cls, boxes: Iterable[Box]) -> Box:
        """Return the smallest box that holds some others, of which there is at least one."""
        return cls.around(point for b in boxes for point in ((b.left, b.bottom), (b.right, b.top)))

    @property
    def width(self) -> float:
        """Width in points."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in points."""
        return self.top - self.bottom

    @property
    def area(self) -> float:
        """Area in square points; 0 of an empty box."""
        return max(0.0, self.width) * max(0.0, self.height)

    def overlap(self, other: Box) -> float:
        """Return the area that two boxes share, in square points."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    def within(self, other: Box) -> Box:
        """Return the part of this box that lies in another one."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )

    def holds(self, other: Box, slack: float = 0.0) -> bool:
        """Whether another box lies inside this one, but for some points at each side."""
        return (
            self.left - slack <= other.left
            and self.bottom - slack <= other.bottom
            and self.right + slack >= other.right
            and self.top + slack >= other.top
        )


@dataclass(frozen=True)
class PaintedText:
    """One text object."""

    handle: Any  # PDFium's object
    form: Any  # the form that holds it; None on the page itself
    order: int  # its turn in painting
    box: Box  # where it stands
    foot: float  # height of the line on which its first letter stands, in points
    size: float  # height of its letters in points, as they are shown
    angle: float  # degrees from level, 0 to 90; 45 rises or falls as much as it goes on
    mode: int  # the text rendering mode; 3 and 7 leave no ink
    colour: tuple[int, int, int, int]  # red, green, blue and opacity of its ink, 0 to 255
    see_through: bool  # opacity, a mask or a blend mode bears on it
    is_clipped: bool  # a clip may cut some of it off
    marks: tuple[str, ...]  # names of the marked content that it stands in


@dataclass(frozen=True)
class PaintedShape:
    """One filled shape, thick level stroke, picture or shading.

    `colour` is None where it has more than one.
    """

    handle: Any
    order: int
    box: Box
    colour: tuple[int, int, int, int] | None
    is_picture: bool


def page_objects(page: Any) -> Iterator[PaintedText | PaintedShape]:
    """Yield the texts and filled shapes of a page and of the forms on it, in the order of painting."""
    for order, (handle, form, matrix) in enumerate(_objects(page)):
        kind = pdfium.FPDFPageObj_GetType(handle)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            yield _text(handle, form, matrix, order)
        elif (shape := _shape(handle, kind, matrix, order)) is not None:
            yield shape


def count_objects(page: Any) -> int:
    """Return how many objects a page and the forms on it hold: the order of one that is painted next."""
    return sum(1 for _ in _objects(page))


def object_letters(handle: Any, text_page: Any) -> str:
    """Return the letters of a text object of PDFium."""
    room, size = 0, USUAL_TEXT
    while size > room:  # PDFium says how much room it takes, and writes nothing into less
        room = size
        buffer = (ctypes.c_ushort * (room // 2 + 1))()
        size = pdfium.FPDFTextObj_GetText(handle, text_page, buffer, room)
    return ctypes.string_at(buffer, max(0, size - 2)).decode("utf-16-le", "replace")


def text_on(page: Any) -> str:
    """Return the text layer of a page as PDFium reads it."""
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_bounded()
        return text
    finally:
        text_page.close()


def address_of(handle: Any) -> int:
    """Return where PDFium keeps an object: two handles of one object are not equal."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def by_font(texts: Iterable[PaintedText]) -> list[tuple[Any, list[PaintedText]]]:
    """Return the fonts of texts, as PDFium has them, each with the texts written in it."""
    written: dict[int, tuple[Any, list[PaintedText]]] = {}
    for text in texts:
        font = pdfium.FPDFTextObj_GetFont(text.handle)
        written.setdefault(address_of(font), (font, []))[1].append(text)
    return list(written.values())


def font_name(font: Any) -> bytes:
    """Return the base name of a font of PDFium."""
    buffer = ctypes.create_string_buffer(128)
    pdfium.FPDFFont_GetBaseFontName(font, buffer, 128)
    return buffer.value


def shown_box(page: Any) -> Box:
    """Return the part of a page that is shown, in its own coordinates."""
    return Box(*page.get_bbox())  # the boxes of the page alone lack those that it inherits


def small_squares(page: Any, least: float, most: float) -> list[Box]:
    """Return the squares on a page, also those with rounded corners, whose sides are so long in points."""
    found = []
    for handle, _, matrix in _objects(page):
        if pdfium.FPDFPageObj_GetType(handle) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        box = _box(handle, matrix)
        sides = sorted((box.width, box.height))
        small = least <= sides[0] and sides[1] <= min(most, NEAR_SQUARE * sides[0])
        if small and _goes_round_corners(handle):
            found.append(box)
    return found


def _goes_round_corners(path: Any) -> bool:
    """Whether each point of a path is near a corner of the box around it, and each corner has one."""
    count = pdfium.FPDFPath_CountSegments(path)
    points = _points(pdfium.FPDFPath_GetPathSegment(path, index) for index in range(count))
    own = Box.around(points or [(0.0, 0.0)])
    if own.area <= 0.0:
        return False
    corners = set()
    for x, y in points:
        across, up = (x - own.left) / own.width, (y - own.bottom) / own.height
        if ROUNDED < across < 1 - ROUNDED or ROUNDED < up < 1 - ROUNDED:
            return False
        corners.add((across > 0.5, up > 0.5))
    return len(corners) == 4 and len(points) > 3


def _points(segments: Iterable[Any]) -> list[tuple[float, float]]:
    x, y = ctypes.c_float(), ctypes.c_float()
    points = []
    for segment in segments:
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        points.append((x.value, y.value))
    return points


def _objects(page: Any) -> Iterator[tuple[Any, Any, Matrix]]:
    """Yield the objects of a page and of the forms on it, each with its form and what places it."""
    handles = (pdfium.FPDFPage_GetObject(page, i) for i in range(pdfium.FPDFPage_CountObjects(page)))
    return _unfolded(handles, None, _UPRIGHT, 0)


def _unfolded(
    handles: Iterator[Any], form: Any, matrix: Matrix, depth: int
) -> Iterator[tuple[Any, Any, Matrix]]:
    for handle in handles:
        if pdfium.FPDFPageObj_GetType(handle) != pdfium.FPDF_PAGEOBJ_FORM:
            yield handle, form, matrix
        elif depth < MOST_NESTED:
            count = pdfium.FPDFFormObj_CountObjects(handle)
            inner = (pdfium.FPDFFormObj_GetObject(handle, index) for index in range(count))
            yield from _unfolded(inner, handle, _times(_matrix(handle), matrix), depth + 1)


def _text(handle: Any, form: Any, matrix: Matrix, order: int) -> PaintedText:
    a, b, c, d, _, foot = _times(_matrix(handle), matrix)
    size = ctypes.c_float()
    pdfium.FPDFTextObj_GetFontSize(handle, size)
    angle = abs(math.degrees(math.atan2(b, a))) % 180
    colour = _colour(handle, pdfium.FPDFPageObj_GetFillColor)
    mode = pdfium.FPDFTextObj_GetTextRenderMode(handle)
    if mode == pdfium.FPDF_TEXTRENDERMODE_STROKE:
        colour = _colour(handle, pdfium.FPDFPageObj_GetStrokeColor)
    return PaintedText(
        handle,
        form,
        order,
        _box(handle, matrix),
        foot,
        abs(size.value) * math.hypot(c, d),
        min(angle, 180 - angle),
        mode,
        colour,
        bool(pdfium.FPDFPageObj_HasTransparency(handle)),
        _is_clipped(handle),
        tuple(_marks(handle)),
    )


def _shape(handle: Any, kind: int, matrix: Matrix, order: int) -> PaintedShape | None:
    colour = None
    if kind == pdfium.FPDF_PAGEOBJ_PATH:
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(handle, fill, stroke)
        if not fill.value:
            return _bar(handle, matrix, order)
        colour = _colour(handle, pdfium.FPDFPageObj_GetFillColor)
    return PaintedShape(handle, order, _box(handle, matrix), colour, kind == pdfium.FPDF_PAGEOBJ_IMAGE)


def _bar(handle: Any, matrix: Matrix, order: int) -> PaintedShape | None:
    """Return the bar that a single thick stroke paints, level or upright."""
    if pdfium.FPDFPath_CountSegments(handle) != 2:
        return None
    box, width = _box(handle, matrix), ctypes.c_float()
    pdfium.FPDFPageObj_GetStrokeWidth(handle, width)
    thickness = width.value * math.hypot(matrix[2], matrix[3])
    if min(box.width, box.height) < THINNEST_BAR or min(box.width, box.height) > 2 * thickness:
        return None
    return PaintedShape(handle, order, box, _colour(handle, pdfium.FPDFPageObj_GetStrokeColor), False)


def _is_clipped(handle: Any) -> bool:
    """Whether a clip has another shape than a rectangle around the object; both are in the same space."""
    clip = pdfium.FPDFPageObj_GetClipPath(handle)
    paths = pdfium.FPDFClipPath_CountPaths(clip) if clip else 0
    own = _box(handle, _UPRIGHT)
    for path in range(max(0, paths)):
        count = pdfium.FPDFClipPath_CountPathSegments(clip, path)
        if not 0 < count <= MOST_CORNERS:
            return True
        points = _points(pdfium.FPDFClipPath_GetPathSegment(clip, path, index) for index in range(count))
        if any(len(set(along)) > 2 for along in zip(*points, strict=True)):
            return True
        if not Box.around(points).holds(own, slack=1.0):
            return True
    return False


def _marks(handle: Any) -> Iterator[str]:
    for index in range(max(0, pdfium.FPDFPageObj_CountMarks(handle))):
        mark = pdfium.FPDFPageObj_GetMark(handle, index)
        buffer, size = (ctypes.c_ushort * 64)(), ctypes.c_ulong()
        if pdfium.FPDFPageObjMark_GetName(mark, buffer, 128, size):
            yield bytes(buffer)[: max(0, size.value - 2)].decode("utf-16-le", "replace")


def _colour(handle: Any, read: Any) -> tuple[int, int, int, int]:
    parts = [ctypes.c_uint() for _ in range(4)]
    read(handle, *parts)
    red, green, blue, opacity = (part.value for part in parts)
    return red, green, blue, opacity


def _matrix(handle: Any) -> Matrix:
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(handle, matrix):
        return _UPRIGHT
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _times(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix that does the first, then the second."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _box(handle: Any, matrix: Matrix) -> Box:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(handle, left, bottom, right, top)
    if matrix is _UPRIGHT:
        return Box(left.value, bottom.value, right.value, top.value)
    a, b, c, d, e, f = matrix
    corners = [(x, y) for x in (left.value, right.value) for y in (bottom.value, top.value)]
    return Box.around((a * x + c * y + e, b * x + d * y + f) for x, y in corners)
