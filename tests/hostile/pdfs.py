"""PDFs that are broken, endless, gigantic, or want to run something."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
_TEXT = b"BT /F1 12 Tf 60 700 Td (Texto comum de um documento inocente, com algumas palavras.) Tj ET"


def pdf_files(canary_url: str, scale: int) -> Mapping[str, bytes]:
    """Return the PDFs by file name; ``scale`` is the size of what is big, in thousands."""
    plain = small_pdf()
    address = canary_url.encode()
    actions = {
        "javascript": b"/OpenAction<</S/JavaScript/JS(app.launchURL\\('" + address + b"/js'\\))>>",
        "launch": b"/OpenAction<</S/Launch/F(/bin/sh)/P(-c id)>>",
        "uri": b"/OpenAction<</S/URI/URI(" + address + b"/open)>>/AA<</WC<</S/GoToR/F(" + address + b")>>>>",
        "formulario-remoto": b"/OpenAction<</S/SubmitForm/F(" + address + b"/form)>>",
    }
    bomb = zlib.compress(b"\0" * (scale << 20))
    return {
        **{f"acao-{name}.pdf": small_pdf(catalog=entry) for name, entry in actions.items()},
        "truncado.pdf": plain[: len(plain) // 2],
        "sem-xref.pdf": plain[: plain.rindex(b"xref\n")],
        "paginas-em-circulo.pdf": small_pdf(kids=b"[2 0 R 3 0 R]", count=9),
        "paginas-em-excesso.pdf": small_pdf(
            kids=b"[" + b"3 0 R " * (1000 * scale) + b"]", count=1000 * scale
        ),
        "pagina-gigante.pdf": small_pdf(box=b"[0 0 20000000 20000000]"),
        "pagina-larga.pdf": small_pdf(box=b"[0 0 14400 14400]"),
        "pagina-nan.pdf": small_pdf(box=b"[0 0 -1e99 (x)]"),
        "fluxo-bomba.pdf": small_pdf(content=bomb, filters=b"/Filter/FlateDecode"),
        "fluxo-bomba-dupla.pdf": small_pdf(
            content=zlib.compress(bomb), filters=b"/Filter[/FlateDecode/FlateDecode]"
        ),
        "imagem-bomba.pdf": small_pdf(
            content=b"q 500 0 0 500 50 50 cm /I Do Q", extra=[_image(bomb)], resources=b"/XObject<</I 6 0 R>>"
        ),
        "forma-recursiva.pdf": small_pdf(
            content=_TEXT + b" /X Do", extra=[_form()], resources=b"/XObject<</X 6 0 R>>"
        ),
        "operadores.pdf": small_pdf(content=b"q " * (100 * scale * 10) + _TEXT),
        "fonte-quebrada.pdf": small_pdf(
            font=b"<</Type/Font/Subtype/TrueType/FontDescriptor 6 0 R/FirstChar 99999>>",
            extra=[b"<</Type/FontDescriptor/FontFile2 4 0 R/FontBBox[1]>>"]),
        "anexo.pdf": small_pdf(
            catalog=b"/Names<</EmbeddedFiles<</Names[(virus.exe) 6 0 R]>>>>",
            extra=[b"<</Type/Filespec/F(../../virus.exe)/EF<</F 4 0 R>>>>"],
        ),
        "cifrado-estranho.pdf": plain.replace(b"/Root", b"/Encrypt<</Filter/Standard/V 99/R 99>>/Root"),
        "so-cabecalho.pdf": b"%PDF-1.7\n",
        "poliglota.pdf": b"<html><script>alert(1)</script>\n" + plain + _zip(),
    }  # fmt: skip


def small_pdf(
    *,
    content: bytes = _TEXT,
    filters: bytes = b"",
    catalog: bytes = b"",
    kids: bytes = b"[3 0 R]",
    count: int = 1,
    box: bytes = b"[0 0 595 842]",
    font: bytes = _FONT,
    resources: bytes = b"",
    extra: Sequence[bytes] = (),
) -> bytes:
    """Return a PDF of one page; each part of it can be replaced by something else."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Kids" + kids + b"/Count %d>>" % count,
        b"<</Type/Page/Parent 2 0 R/MediaBox" + box + b"/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>"
        + resources + b">>>>",
        b"<<" + filters + b"/Length %d>>stream\n" % len(content) + content + b"\nendstream",
        font,
        *extra,
    ]  # fmt: skip
    written = b"%PDF-1.7\n"
    offsets = []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n" % number + item + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % size
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
    return written + head + table + end


def _image(data: bytes) -> bytes:
    return (
        b"<</Type/XObject/Subtype/Image/Width 30000/Height 30000/ColorSpace/DeviceRGB/BitsPerComponent 8"
        b"/Filter/FlateDecode/Length %d>>stream\n" % len(data) + data + b"\nendstream"
    )


def _form() -> bytes:
    content = b"/X Do /X Do"
    return (
        b"<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</X 6 0 R>>>>/Length %d>>stream\n"
        % len(content) + content + b"\nendstream"
    )  # fmt: skip


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("word/document.xml"), b"<x/>")
    return stream.getvalue()
