"""PDFs written object by object, for what a drawing library has no words for: layers, forms, annotations."""

from __future__ import annotations

FONT_OBJECT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


class WrittenPdf:
    """Collects the objects of a PDF.

    `font` is Helvetica; pages are 595 x 842 points, and their resources are shared.
    """

    def __init__(self) -> None:
        self._objects: list[bytes] = [b"", b""]  # the catalog and the page tree
        self._pages: list[int] = []
        self._names: dict[str, dict[str, int]] = {}
        self._catalog = b""
        self.font = self.add(FONT_OBJECT)
        self.resource("Font", "F", self.font)

    def add(self, body: bytes) -> int:
        """Add an object and return its number."""
        self._objects.append(body)
        return len(self._objects)

    def stream(self, content: str, entries: str = "") -> int:
        """Add a stream with entries of its dictionary."""
        data = content.encode("cp1252")
        return self.add(f"<< /Length {len(data)} {entries} >>\nstream\n".encode() + data + b"\nendstream")

    def resource(self, kind: str, name: str, number: int) -> None:
        """Name an object for the content of the pages."""
        self._names.setdefault(kind, {})[name] = number

    def named(self, kind: str, name: str) -> int:
        """Return the number of a named object."""
        return self._names[kind][name]

    def resources(self) -> str:
        """Return the resource dictionary that all pages share."""
        kinds = (
            f"/{kind} << {' '.join(f'/{name} {number} 0 R' for name, number in names.items())} >>"
            for kind, names in self._names.items()
        )
        return f"<< {' '.join(kinds)} >>"

    def catalog(self, entries: str) -> None:
        """Add entries to the catalog."""
        self._catalog += entries.encode() + b" "

    def page(self, content: str | list[str], entries: str = "") -> None:
        """Add a page of one stream or several; a crop box, a rotation or annotations are entries of it."""
        streams = [content] if isinstance(content, str) else content
        numbers = " ".join(f"{self.stream(part)} 0 R" for part in streams)
        self._pages.append(
            self.add(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents [{numbers}] "
                f"/Resources {self.resources()} {entries} >>".encode()
            )
        )

    def bytes(self) -> bytes:
        """Return the file."""
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        self._objects[0] = b"<< /Type /Catalog /Pages 2 0 R " + self._catalog + b">>"
        self._objects[1] = f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>".encode()
        out, places = b"%PDF-1.7\n", []
        for number, body in enumerate(self._objects, start=1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        table = "".join(f"{place:010d} 00000 n \n" for place in places)
        size = len(places) + 1
        tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
        return out + tail.encode() + f"startxref\n{len(out)}\n%%EOF\n".encode()


def line(text: str, x: float, y: float, size: float = 11, before: str = "") -> str:
    """Content that draws one line of text; `before` sets what stands between BT and the text."""
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /F {size} Tf {before} 1 0 0 1 {x} {y} Tm ({escaped}) Tj ET\n"


def with_layers(written: WrittenPdf) -> None:
    """Give a PDF the layers `On` and `Off`, and `AllOn`, which is shown where both are."""
    on, off = (written.add(f"<< /Type /OCG /Name ({name}) >>".encode()) for name in ("On", "Off"))
    both = written.add(f"<< /Type /OCMD /OCGs [{on} 0 R {off} 0 R] /P /AllOn >>".encode())
    for name, number in (("On", on), ("Off", off), ("AllOn", both)):
        written.resource("Properties", name, number)
    written.catalog(
        f"/OCProperties << /OCGs [{on} 0 R {off} 0 R] /D << /ON [{on} 0 R] /OFF [{off} 0 R] >> >>"
    )
