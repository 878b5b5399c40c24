"""CocoIndex: memoised functions over a folder, points declared into a Qdrant collection in local mode.

    python cocoindex_pipeline.py DOCUMENTS STATE_FOLDER MODEL CONVERTER [on-demand]

After cocoindex.io/docs, the examples "Semantic Search with Qdrant" and "PDF embedding": a file whose content
is as it was is not processed again, and points that are no longer declared are deleted. Its splitter counts
characters: 1,400 are about 500 of MiniLM's tokens in Portuguese. Docling is imported where the quickstart of
CocoIndex imports it, at the top; with ``on-demand`` when the first file has to be read, as somebody would who
cares for the run with nothing changed.
"""

from __future__ import annotations

import functools
import pathlib
import sys
from collections.abc import AsyncIterator, Callable

import cocoindex as coco
from cocoindex.connectors import localfs, qdrant
from cocoindex.ops.sentence_transformers import SentenceTransformerEmbedder
from cocoindex.ops.text import RecursiveSplitter
from cocoindex.resources.chunk import Chunk
from cocoindex.resources.file import FileLike, PatternFilePathMatcher
from cocoindex.resources.id import IdGenerator
from qdrant_client import QdrantClient

from tests.bench.peers.reading import SUFFIXES, documents_of, open_reader, tell

if "on-demand" not in sys.argv[5:]:
    import docling.document_converter  # noqa: F401

FOLDER, STATE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
MODEL, CONVERTER = sys.argv[3], sys.argv[4]
COLLECTION = "documents"
QDRANT_DB = coco.ContextKey[QdrantClient]("qdrant_db")
EMBEDDER = coco.ContextKey[SentenceTransformerEmbedder]("embedder", detect_change=True)

_splitter = RecursiveSplitter()
_embedded = 0


@coco.lifespan
async def coco_lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    builder.settings.db_path = STATE / "cocoindex.db"
    builder.provide(QDRANT_DB, client())
    builder.provide(EMBEDDER, SentenceTransformerEmbedder(MODEL, device="cpu"))
    yield


@functools.cache
def client() -> QdrantClient:
    return QdrantClient(path=str(STATE / "qdrant"))


@functools.cache
def reader() -> Callable[[pathlib.Path], str]:
    return open_reader(CONVERTER)


@coco.fn
async def process_chunk(
    chunk: Chunk, filename: pathlib.PurePath, ids: IdGenerator, target: qdrant.CollectionTarget
) -> None:
    global _embedded  # noqa: PLW0603
    _embedded += 1
    vector = await coco.use_context(EMBEDDER).embed(chunk.text)
    target.declare_point(
        qdrant.PointStruct(
            id=await ids.next_id(chunk.text),
            vector=vector.tolist(),
            payload={"filename": str(filename), "text": chunk.text},
        )
    )


@coco.fn(memo=True)
async def process_file(file: FileLike, target: qdrant.CollectionTarget) -> None:
    markdown = reader()(file.file_path.resolve())
    chunks = _splitter.split(markdown, chunk_size=1400, chunk_overlap=280, language="markdown")
    ids = IdGenerator()
    await coco.map(process_chunk, chunks, file.file_path.path, ids, target)


@coco.fn
async def app_main(folder: pathlib.Path) -> None:
    target = await qdrant.mount_collection_target(
        QDRANT_DB,
        COLLECTION,
        await qdrant.CollectionSchema.create(vectors=qdrant.QdrantVectorDef(schema=EMBEDDER)),
    )
    wanted = PatternFilePathMatcher(included_patterns=[f"**/*{suffix}" for suffix in SUFFIXES])
    files = localfs.walk_dir(folder, recursive=True, path_matcher=wanted)
    await coco.mount_each(process_file, files.items(), target)


app = coco.App(coco.AppConfig(name="Documents"), app_main, folder=FOLDER)


def main() -> None:
    app.update_blocking()
    tell(len(documents_of(FOLDER)), _embedded, client().count(COLLECTION).count)
    client().close()


if __name__ == "__main__":
    main()
