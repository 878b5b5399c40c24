"""Pictures whose headers lie, whose data explode, or whose metadata make no sense."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def image_files(scale: int) -> Mapping[str, bytes]:
    """Return the pictures by file name; ``scale``: thousands of pixels, and sixes of frames."""
    from PIL import Image

    page = Image.new("RGB", (400, 300), "white")
    jpeg = _saved(page, "JPEG")
    exif = Image.Exif()
    exif[0x0112] = 4711  # orientation, which is 1 to 8
    exif[0x010E] = "\x1b[31m<script>alert(1)</script>"
    frames = [Image.new("RGB", (400, 300), color) for color in ("white", "red", "blue") * (2 * scale)]
    side = scale * 1000
    bomb = zlib.compress(b"\0" * (side * 50), 9)
    return {
        "cabecalho-65000.png": _png(65000, 65000, zlib.compress(b"\0" * 65001)),
        "cabecalho-65000.jpg": _jpeg_header(65000, 65000),
        "bomba.png": _png(side * 8, 50, zlib.compress(b"\0" * ((side * 8 + 1) * 50), 9), depth=8, color=0),
        "texto-bomba.png": _png(9, 9, zlib.compress(b"\0" * 90), chunk=(b"zTXt", b"a\0\0" + bomb)),
        "perfil-bomba.png": _png(9, 9, zlib.compress(b"\0" * 90), chunk=(b"iCCP", b"a\0\0" + bomb)),
        "sem-fim.png": _saved(page, "PNG")[:-30],
        "zero.png": _png(0, 0, zlib.compress(b"")),
        "truncado.jpg": jpeg[: len(jpeg) // 2],
        "so-comeco.jpg": b"\xff\xd8\xff\xe0",
        "exif.jpg": _saved(page, "JPEG", exif=exif.tobytes()),
        "exif-quebrado.jpg": jpeg[:2] + b"\xff\xe1\x00\x10Exif\0\0II*\0\xff\xff\xff\xff" + jpeg[2:],
        "animado.png": _saved(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "gif-disfarcado.png": _saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "pixel.png": _png(1, 1, zlib.compress(b"\0\0")),
        "fita.png": _png(60000, 1, zlib.compress(b"\0" * 60001)),
    }


def _saved(image: object, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)  # type: ignore[attr-defined]
    return stream.getvalue()


def _png(
    width: int,
    height: int,
    data: bytes,
    *,
    depth: int = 8,
    color: int = 0,
    chunk: tuple[bytes, bytes] | None = None,
) -> bytes:
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))]
    chunks += [chunk] if chunk else []
    chunks += [(b"IDAT", data), (b"IEND", b"")]
    written = _SIGNATURE
    for name, body in chunks:
        written += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return written


def _jpeg_header(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"
