"""What a manifest refers to: found in its columns as they are stored, without decoding a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stagekit.artifacts.table_files import GROUP_ROWS, TableFile
from stagekit.artifacts.tables import table_metadata

if TYPE_CHECKING:
    import pyarrow as pa

# References as canonical_json writes them; quotes inside of texts are escaped and cannot look like these.
_REF = re.compile(r'"bytes":(\d+),[^{}]*?"uri":"([^"]+)"')
_ONE_REF = r'^\{"bytes":(?P<size>\d+),[^{}]*"uri":"(?P<uri>[^"{}]+)"\}$'


def made_references(manifest: TableFile) -> Iterator[tuple[list[int], list[int], list[str]]]:
    """Yield places of rows, sizes in bytes and addresses of the artifacts that the manifest's stage made.

    Columns that the stage took over from its input are another stage's.

    Raises:
        ArtifactError: if the manifest is damaged.
    """
    carried = set((table_metadata(manifest) or {}).get("carried", ()))
    for item in manifest.schema:
        if (item.metadata or {}).get(b"nic_etl") and item.name not in carried:
            yield from _references(manifest.column(item.name))


def _references(column: pa.ChunkedArray) -> Iterator[tuple[list[int], list[int], list[str]]]:
    """Yield rows, sizes and addresses of what a column of JSON texts refers to, a few rows at a time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for begin in range(0, len(column), GROUP_ROWS):
        texts = column.slice(begin, GROUP_ROWS)
        referring = pc.match_substring(texts, '"uri":"')
        if not pc.any(referring).as_py():
            continue
        # Nearly always a value is one reference; the others are told one by one.
        found = pc.extract_regex(texts, _ONE_REF)
        alone = pc.is_valid(found)
        size, uri = (pc.struct_field(found, name).filter(alone) for name in ("size", "uri"))
        places = pc.add(pc.indices_nonzero(alone).cast(pa.int64()), begin).to_pylist()
        yield places, size.cast(pa.int64()).to_pylist(), uri.to_pylist()
        for place in pc.indices_nonzero(pc.and_not(referring, alone)).to_pylist():
            for text, address in _REF.findall(texts[place].as_py()):
                yield [begin + place], [int(text)], [address]
