"""Searches every byte below a folder for sentences, also where it is compressed or written in other forms."""

from __future__ import annotations

import contextlib
import gzip
import html
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_SHORTEST = 25
_PIECE = 40  # characters that are looked for: enough not to stand anywhere by chance


def sentences_of(text: str, most: int = 5) -> list[str]:
    """Return sentences of a document's text, spread over it, without the marks that formats put into them."""
    lines = (re.sub(r"\s+", " ", line).strip() for line in re.split(r"(?<=[.;:!?])\s+|\n+|\|", text))
    plain = [line for line in lines if len(line) >= _SHORTEST and re.fullmatch(r"[\w ,.;:()/%-]+", line)]
    found = [line[:_PIECE].strip() for line in plain]
    found = [line for line in dict.fromkeys(found) if len(line) >= _SHORTEST]
    return found[:: max(1, len(found) // most)][:most]


def files_with(folder: Path, sentences: Iterable[str]) -> dict[str, str]:
    """Return the files below a folder in which a sentence stands, with the first that was found there."""
    forms = {form: sentence for sentence in sentences for form in _forms(sentence)}
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        content = re.sub(rb"\0{64,}", b"\0", path.read_bytes())  # logs are set up with room to grow
        hit = next((form for data in _readings(content) for form in forms if form in data), None)
        if hit is not None:
            found[str(path.relative_to(folder))] = forms[hit]
    return found


def _forms(sentence: str) -> set[bytes]:
    escaped = json.dumps(sentence)[1:-1]
    texts = {sentence, escaped, json.dumps(escaped)[1:-1], html.escape(sentence), sentence.upper()}
    return {text.encode() for text in texts} | {sentence.encode("utf-16-le"), sentence.encode("utf-16-be")}


def _readings(data: bytes) -> Iterator[bytes]:
    """Yield a file's bytes, and what they are when unpacked."""
    yield data
    if data[:4] == b"PAR1":
        with contextlib.suppress(pa.ArrowInvalid, OSError), pq.ParquetFile(io.BytesIO(data)) as file:
            yield json.dumps(file.read().to_pylist(), default=str, ensure_ascii=False).encode()
    for unpack in (gzip.decompress, zlib.decompress):
        with contextlib.suppress(Exception):  # it is not packed in this way
            yield unpack(data)
    for place in (match.start() for match in re.finditer(rb"\x28\xb5\x2f\xfd", data)):
        with contextlib.suppress(Exception):  # zstd frames inside a file
            yield pa.input_stream(pa.BufferReader(data[place:]), compression="zstd").read()
