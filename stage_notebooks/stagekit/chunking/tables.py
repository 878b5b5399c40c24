"""The Arrow form of a document's chunks: what stage 03 stores and the later stages read."""

from collections.abc import Sequence
from dataclasses import asdict

import pyarrow as pa

from stagekit.chunking.chunker import Chunk

__all__ = ["CHUNK_SCHEMA", "chunks_to_table"]

_BBOX = pa.struct([(side, pa.float64()) for side in "ltrb"])
_REGION = pa.struct([("ref", pa.string()), ("page", pa.int32()), ("bbox", _BBOX)])

CHUNK_SCHEMA: pa.Schema = pa.schema(
    [
        ("chunk_index", pa.int32()),
        ("text", pa.string()),
        ("embedded_text", pa.string()),
        ("token_count", pa.int32()),
        ("embedded_token_count", pa.int32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("content_type", pa.string()),
        ("section_titles", pa.list_(pa.string())),
        ("section_hierarchy", pa.list_(pa.string())),
        ("pages", pa.list_(pa.int32())),
        ("regions", pa.list_(_REGION)),
        ("content_hash", pa.string()),
    ]
)


def chunks_to_table(chunks: Sequence[Chunk]) -> pa.Table:
    """Return one row a chunk, in order, with the columns of `CHUNK_SCHEMA`."""
    rows = []
    for chunk in chunks:
        row = asdict(chunk)
        for region in row["regions"]:
            if region["bbox"] is not None:
                region["bbox"] = dict(zip("ltrb", region["bbox"], strict=True))
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=CHUNK_SCHEMA)
