"""Answers a question with passages from the collection; ``nic-etl search`` starts it as a process."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stagekit.declared.in_force import has_expired, resolve_day
from stagekit.enrichment.citation import file_link
from stagekit.search.answer_sentences import answer_sentences
from stagekit.search.filters import build_filter, read_filters
from stagekit.search.passages import Passage, Payload, copies
from stagekit.search.retrieval import (
    Question,
    SearchRequestError,
    best_passages,
    check_vector,
    model_files,
    open_collection,
    open_store,
    resolve_mode,
)

if TYPE_CHECKING:
    from stagekit.embedding import ModelFiles
    from stagekit.embedding.model import EmbeddingModel

__all__ = [
    "Hit",
    "SearchRequestError",
    "check_vector",
    "file_link",
    "model_files",
    "open_store",
    "plain_search",
    "search",
]

PASSAGES_PER_DOCUMENT: Final = 2
"""Unless the question says otherwise, or one document only is to be found."""
Embed = Callable[[str], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers, best first.

    Attributes:
        rank: 1 is the best.
        score: in mode dense the cosine similarity (1 is the same direction), in mode sparse BM25, in mode
            hybrid both together, see :mod:`stagekit.search.ranking`; comparable within one answer only.
            Passages with a clause that the question names come first, whatever their score, and a document
            that alone holds one of its words has a passage among the first three.
        path: of a document that has the text; of copies, one that is in force where there is one.
        paths: of all documents that have the same text and meet the filters, `path` first.
        expired: the document's own last day has passed, on the day of the question.
        answer: the sentence of `text` that shares most of the question's rare words, "" where none does.
        stale: the version now in the branch cannot be read, and this one stands in.
        duplicate_of: always None: copies are one hit with all their `paths`; kept for programs that read it.
        link: web address of the file at its commit where the repository has one, else ``path@commit``.

    The others are fields of the payload, see :mod:`stagekit.enrichment.schema`.
    """

    rank: int
    score: float
    path: str
    paths: list[str]
    title: str
    page_number: int | None
    pages: list[int]
    section_titles: list[str]
    clause: str | None
    has_struck_text: bool
    text: str
    answer: str
    document_id: str
    chunk_id: str
    version: str
    repository_commit: str
    is_latest: bool
    stale: bool
    status: str
    language: str
    watermark: str | None
    effective_date: str | None
    expiration_date: str | None
    expired: bool
    superseded_by: dict[str, Any] | None
    link: str
    duplicate_of: str | None = None


def search(
    question: str,
    *,
    qdrant_url: str = "embedded",
    collection_name: str = "nic_documents",
    outputs_dir: str = "",
    embedding_model: str,
    model_revision: str = "",
    embedding_dtype: str = "float32",
    embedding_backend: str = "auto",
    device: str = "cpu",
    top: int = 5,
    passages_per_document: int | None = None,
    filters: Mapping[str, Any] | None = None,
    mode: str = "",
    settings: Mapping[str, Any] | None = None,
    today: str = "",
    embed: Embed | None = None,
) -> list[Hit]:
    """Return the best passages, each text once.

    Arguments that are settings of the pipeline mean what those mean; the number type of the question may
    differ from the documents', and backend "auto" takes what is ready soonest. ``settings`` has those of the
    connection by name. ``top`` is the most passages to return, ``passages_per_document`` the most of one
    document: 0 is as many as it has; None is two, or, where there is nothing but one document to be found, as
    many as it has. ``mode`` is "hybrid" (by meaning and by words), "dense" (meaning) or "sparse" (words); ""
    is hybrid where the collection has sparse vectors. ``embed`` turns the question into a vector in place of
    the embedding model.

    ``filters`` gives by field the value that it must have, whatever its case and accents, or a list of values
    of which it must have one, or for numbers and dates a mapping such as ``{">=": "2024", "<": "2025"}``.
    Fields are those of the payload, also under the keys of front matter ("validade"), and ``expired`` and
    ``superseded`` -> true or false, and ``clause`` -> a clause as people cite it ("art 5", "Art. 5º, § 2º"),
    which is found with all that is below it. A language is meant with all its regions.

    Raises:
        SearchRequestError: if an argument is wrong, the collection has no such value of a filter's field, or
            the model is not the collection's.
        StageError: if the collection is missing, empty, locked or cannot be reached.
    """
    _check(question, top, passages_per_document)
    day = resolve_day(today)
    wanted = read_filters(filters or {})
    with open_store(qdrant_url, outputs_dir, settings) as store:
        collection = open_collection(store, collection_name)
        chosen = resolve_mode(mode, collection)
        where = build_filter(wanted, store, collection.name, day)
        vector: Sequence[float] | None = None
        if chosen != "sparse" and embed is not None:
            vector = list(embed(question))
        elif chosen != "sparse":
            files = model_files(embedding_model, model_revision, collection)
            kind = (embedding_model, model_revision, embedding_dtype, device, embedding_backend)
            vector = _embedded(question, files, *kind)
        if vector is not None:
            check_vector(vector, collection)
        asked = Question(question, vector)
        best = partial(
            best_passages, store, collection, asked, chosen, where=where, top=top, join_copies=True
        )
        found = _of_documents(best, top, passages_per_document)
        texts = [str(passage.payloads[0]["content_hash"]) for passage in found]
        others = copies(store, collection.name, texts, where) if texts else {}
    return _hits(found, others, day, question)


def _of_documents(
    best: Callable[..., list[Passage]], top: int, passages_per_document: int | None
) -> list[Passage]:
    """Return the best passages, of one document as many as the argument of :func:`search` says."""
    if passages_per_document is not None:
        return best(per_document=passages_per_document or None)
    found = best(per_document=PASSAGES_PER_DOCUMENT)
    documents = {payload["document_id"] for passage in found for payload in passage.payloads}
    return best(per_document=None) if len(found) < top and len(documents) == 1 else found


def _check(question: str, top: int, passages_per_document: int | None) -> None:
    if not question.strip():
        raise SearchRequestError("The question is empty: put it in quotes after `nic-etl search`.")
    if top < 1:
        raise SearchRequestError(f"top is {top}: set it to 1 or more.")
    if passages_per_document is not None and passages_per_document < 0:
        raise SearchRequestError(
            f"passages_per_document is {passages_per_document}: set it to 1 or more, or to 0 for all."
        )


def _embedded(question: str, files: ModelFiles, *kind: str) -> Sequence[float]:
    try:
        return question_embedder(files, *kind)(question)
    except ValueError as error:
        raise SearchRequestError(f"The question cannot be embedded: {error}") from None


def question_model(
    files: ModelFiles, name: str, revision: str, dtype: str, device: str, backend: str = "auto"
) -> EmbeddingModel:
    """Load the model for questions: in ONNX Runtime where it can, because nothing else is ready as soon.

    Raises:
        ValueError: if dtype, device or backend is none of the settings' values, or does not suit the model.
    """
    from stagekit.embedding import load_model, resolve_backend

    if resolve_backend(backend, files) == "onnx":
        return load_model(name, revision)
    return load_model(name, revision, dtype=dtype, device=device, backend=backend)


def question_embedder(
    files: ModelFiles, name: str, revision: str, dtype: str, device: str, backend: str = "auto"
) -> Embed:
    """Load the model of questions, see :func:`question_model`, and return what turns one into its vector."""
    from stagekit.embedding import embed_texts

    model = question_model(files, name, revision, dtype, device, backend)

    def embed(question: str) -> Sequence[float]:
        vector: list[float] = embed_texts(model, [question], files.query_prompt)[0].tolist()
        return vector

    return embed


def _hits(
    found: Sequence[Passage], others: Mapping[str, Sequence[Payload]], day: str, question: str
) -> list[Hit]:
    answers = answer_sentences(question, [str(one.payloads[0]["chunk_content"]) for one in found])
    said: Counter[tuple[str, str]] = Counter()
    hits = []
    for rank, (passage, answer) in enumerate(zip(found, answers, strict=True), start=1):
        first = passage.payloads[0]
        document, text = str(first["document_id"]), str(first["content_hash"])
        said[document, text] += 1
        having = [*passage.payloads, *_again(others.get(text, ()), said[document, text])]
        paths = list(dict.fromkeys(str(payload["file_path"]) for payload in having))
        payload = min(having, key=lambda one: _out_of_force(one, day))
        path = str(payload["file_path"])
        hits.append(
            Hit(
                rank=rank,
                score=round(passage.score, 4),
                path=path,
                paths=[path, *(other for other in paths if other != path)],
                title=payload["title"],
                page_number=payload["page_number"],
                pages=payload["pages"],
                section_titles=payload["section_titles"],
                clause=payload.get("clause"),
                has_struck_text=bool(payload.get("has_struck_text")),
                text=payload["chunk_content"],
                answer=answer if answer in payload["chunk_content"] else "",
                document_id=payload["document_id"],
                chunk_id=payload["chunk_id"],
                version=payload["version"],
                repository_commit=payload["repository_commit"],
                is_latest=payload.get("is_latest", True),
                stale=bool(payload.get("stale")),
                status=payload["status"],
                language=payload["language"],
                watermark=payload.get("watermark"),
                effective_date=payload.get("effective_date"),
                expiration_date=payload.get("expiration_date"),
                expired=has_expired(payload.get("expiration_date"), day),
                superseded_by=payload.get("superseded_by"),
                link=file_link(payload),
            )
        )
    return hits


def _again(payloads: Sequence[Payload], time: int) -> list[Payload]:
    """Return the point of each document in which it says a text for the n-th time."""
    said: Counter[str] = Counter()
    found = []
    for payload in sorted(payloads, key=lambda one: (str(one["file_path"]), int(one["chunk_index"]))):
        said[str(payload["document_id"])] += 1
        if said[str(payload["document_id"])] == time:
            found.append(payload)
    return found


def _out_of_force(payload: Payload, day: str) -> tuple[bool, bool, bool]:
    """Return what copies are sorted by: one that is in force is shown rather than one that is not."""
    expired = has_expired(payload.get("expiration_date"), day)
    return expired, payload.get("superseded_by") is not None, bool(payload.get("stale"))


@functools.wraps(search)
def plain_search(**request: Any) -> list[dict[str, Any]]:
    """Call :func:`search` and return its hits as plain JSON."""
    return [asdict(hit) for hit in search(**request)]


tool = plain_search
