"""The Arrow form of a document's chunks: what stage 03 stores and the later stages read."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from stagekit.chunking.chunker import Chunk
from stagekit.chunking.markdown import Region

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
        ("clauses", pa.list_(pa.string())),
        ("has_struck_text", pa.bool_()),
    ]
)


def chunks_to_table(chunks: Sequence[Chunk]) -> pa.Table:
    """Return one row a chunk, in order, with the columns of `CHUNK_SCHEMA`."""
    plain = [name for name in CHUNK_SCHEMA.names if name != "regions"]
    columns = {name: [getattr(chunk, name) for chunk in chunks] for name in plain}
    columns["regions"] = [[_region(region) for region in chunk.regions] for chunk in chunks]
    return pa.Table.from_pydict(columns, schema=CHUNK_SCHEMA)


def _region(region: Region) -> dict[str, Any]:
    box = None if region.bbox is None else dict(zip("ltrb", region.bbox, strict=True))
    return {"ref": region.ref, "page": region.page, "bbox": box}
