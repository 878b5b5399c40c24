"""Answers a question with passages from the collection; ``nic-etl search`` starts it as a process.

``python -m stagekit.search`` reads a request as JSON from standard input (the arguments of :func:`search`)
and writes a JSON list to standard output. Exit codes: 0 answered, 1 the store cannot answer, 2 the request or
a setting is wrong; standard error then holds one sentence.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from stagekit.errors import StageError
from stagekit.paths import outputs_path

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

    from stagekit.embedding import ModelFiles

__all__ = ["Hit", "SearchRequestError", "main", "search"]

PASSAGES_PER_DOCUMENT: Final = 2
FETCHED_PER_HIT: Final = 4
MOST_FETCHED: Final = 1000
_OPTIONAL: Final = {
    "qdrant_url", "collection_name", "outputs_dir", "model_revision", "embedding_dtype", "device", "top",
    "filters",
}  # fmt: skip
Embed = Callable[[str], Sequence[float]]
Found = list[tuple[float, Mapping[str, Any]]]


class SearchRequestError(StageError):
    """The request or a setting is wrong; asking again cannot help."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers, best first.

    Attributes:
        rank: 1 is the best.
        score: cosine similarity, 1 is the same direction.
        duplicate_of: path of a better ranked hit with the same text, None for the first of its kind.

    The others are fields of the payload, see :mod:`stagekit.enrichment.schema`.
    """

    rank: int
    score: float
    path: str
    title: str
    page_number: int | None
    section_titles: list[str]
    text: str
    document_id: str
    chunk_id: str
    version: str
    repository_commit: str
    duplicate_of: str | None


def search(
    question: str,
    *,
    qdrant_url: str = "embedded",
    collection_name: str = "nic_documents",
    outputs_dir: str = "",
    embedding_model: str,
    model_revision: str = "",
    embedding_dtype: str = "float32",
    device: str = "cpu",
    top: int = 5,
    filters: Mapping[str, Any] | None = None,
    embed: Embed | None = None,
) -> list[Hit]:
    """Return the best passages, at most two from one document.

    Args:
        question: in any language that the model knows.
        qdrant_url: address of a Qdrant server, or "embedded".
        collection_name: of the collection.
        outputs_dir: see :func:`stagekit.paths.outputs_path`.
        embedding_model: the setting that the collection was built with.
        model_revision: as in that setting.
        embedding_dtype: number type for the question; it may differ from the documents'.
        device: "cpu", "cuda" or "auto".
        top: most passages to return.
        filters: payload field -> value that it must equal, or list of values of which one must match.
        embed: turns the question into a vector; by default the embedding model does.

    Raises:
        SearchRequestError: if an argument is wrong, or the model is not the collection's.
        StageError: if the collection is missing, empty, locked or cannot be reached.
    """
    from stagekit.storage import connect, embedded_path, is_embedded, qdrant_errors

    if not question.strip():
        raise SearchRequestError("The question is empty: put it in quotes after `nic-etl search`.")
    if top < 1:
        raise SearchRequestError(f"top is {top}: set it to 1 or more.")
    query_filter = _filter(filters or {})
    outputs = outputs_path(outputs_dir)
    if is_embedded(qdrant_url) and not embedded_path(outputs).is_dir():
        raise StageError(f"There is no store in {outputs} yet: run `nic-etl run` first.")
    with contextlib.closing(connect(qdrant_url, outputs)) as client, qdrant_errors(qdrant_url):
        dimension, model = _collection(client, collection_name)
        if embed is None:
            files = _model_files(embedding_model, model_revision, model, collection_name)
            vector = _embed(
                question, files.query_prompt, embedding_model, model_revision, embedding_dtype, device
            )
        else:
            vector = list(embed(question))
        if len(vector) != dimension:
            raise SearchRequestError(
                f"The question's vector has {len(vector)} dimensions and those of {collection_name} have "
                f"{dimension}: set embedding_model to the model that the collection was built with ({model})."
            )
        found = _best(client, collection_name, vector, query_filter, top)
    return _hits(found)


def _best(
    client: QdrantClient, collection_name: str, vector: Sequence[float], query_filter: Any, top: int
) -> Found:
    """Return score and payload of the best points, at most two of one document.

    More points than asked for are fetched, and again more where one document fills them all. (Qdrant's own
    grouping does the same in the embedded store over all points, which took ten times as long.)
    """
    limit = FETCHED_PER_HIT * top
    while True:
        points = client.query_points(
            collection_name, query=list(vector), query_filter=query_filter, limit=limit, with_payload=True
        ).points
        seen: Counter[str] = Counter()
        kept: Found = []
        for point in points:
            payload = point.payload
            if not payload:  # emptied by hand: it cannot be cited, `nic-etl verify` finds it
                continue
            seen[payload["document_id"]] += 1
            if seen[payload["document_id"]] <= PASSAGES_PER_DOCUMENT:
                kept.append((point.score, payload))
        if len(kept) >= top or len(points) < limit or limit >= MOST_FETCHED:
            return kept[:top]
        limit = min(4 * limit, MOST_FETCHED)


def _collection(client: QdrantClient, collection_name: str) -> tuple[int, str]:
    """Return dimension and model of a collection that can be searched."""
    if not client.collection_exists(collection_name):
        raise StageError(
            f"There is no collection {collection_name}: run `nic-etl run` first, or check collection_name."
        )
    if not client.count(collection_name, exact=True).count:
        raise StageError(f"Collection {collection_name} is empty: run `nic-etl run` and read its summary.")
    config = client.get_collection(collection_name).config
    size = getattr(config.params.vectors, "size", None)
    if size is None:
        raise SearchRequestError(
            f"Collection {collection_name} was not made by nic-etl: check collection_name."
        )
    return size, str((config.metadata or {}).get("embedding_model", "unknown"))


def _model_files(embedding_model: str, revision: str, stored_model: str, collection_name: str) -> ModelFiles:
    """Return the model's files, after checking on them alone that it is the collection's model."""
    from stagekit.embedding import ModelUnavailableError, resolve_model

    try:
        files = resolve_model(embedding_model, revision)
    except ModelUnavailableError as error:
        raise SearchRequestError(str(error)) from None
    if files.fingerprint != stored_model:
        raise SearchRequestError(
            f"Collection {collection_name} was built with {stored_model} and embedding_model is "
            f"{files.fingerprint}: set embedding_model to the collection's, or run `nic-etl run` into "
            "another collection_name."
        )
    return files


def _embed(question: str, prompt: str, model: str, revision: str, dtype: str, device: str) -> list[float]:
    from stagekit.embedding import embed_texts, load_model

    try:
        vectors = embed_texts(load_model(model, revision, dtype=dtype, device=device), [question], prompt)
    except ValueError as error:
        raise SearchRequestError(f"The question cannot be embedded: {error}") from None
    found: list[float] = vectors[0].tolist()
    return found


def _filter(filters: Mapping[str, Any]) -> Any:
    """Return the Qdrant filter that requires every field to have its value."""
    from qdrant_client.models import FieldCondition, Filter, MatchAny, MatchValue

    conditions: list[Any] = []
    for name, wanted in filters.items():
        values = [_typed(name, value) for value in (wanted if isinstance(wanted, list) else [wanted])]
        match = MatchValue(value=values[0]) if len(values) == 1 else MatchAny(any=values)
        conditions.append(FieldCondition(key=name, match=match))
    return Filter(must=conditions) if conditions else None


def _typed(name: str, value: Any) -> Any:
    """Return a filter's value in the type of its payload field: what comes from a command line is text."""
    kinds = _field_kinds(name)
    if "string" in kinds:
        return str(value)
    text = str(value).strip().lower()
    if "boolean" in kinds and text in {"true", "false"}:
        return text == "true"
    if "integer" in kinds and text.lstrip("-").isdigit():
        return int(text)
    raise SearchRequestError(
        f"Filter {name}={value}: the field {name} takes {' or '.join(sorted(kinds))} values, matched exactly."
    )


def _field_kinds(name: str) -> set[str]:
    """Return the JSON types on which a payload field can be matched; those of the items for a list."""
    from stagekit.enrichment.schema import NicPayload

    if name not in NicPayload.model_fields:
        near = difflib.get_close_matches(name, NicPayload.model_fields, n=1)
        hint = f"did you mean {near[0]}?" if near else "see config/nic_schema for the fields."
        raise SearchRequestError(f"Filter {name}: the payload has no such field; {hint}")
    field = NicPayload.model_json_schema()["properties"][name]
    kinds = {variant.get("type") for variant in field.get("anyOf", [field])} - {"null", None}
    if kinds == {"array"}:
        kinds = {field["items"].get("type")}
    matchable = kinds & {"string", "boolean", "integer"}
    if not matchable:
        raise SearchRequestError(
            f"Filter {name}: this field cannot be matched by a value; choose another one."
        )
    return matchable


def _hits(found: Found) -> list[Hit]:
    ordered = sorted(found, key=lambda pair: (-pair[0], pair[1]["file_path"], pair[1]["chunk_index"]))
    first_path: dict[str, str] = {}
    hits = []
    for rank, (score, payload) in enumerate(ordered, start=1):
        path = payload["file_path"]
        twin = first_path.setdefault(payload["content_hash"], path)
        hits.append(
            Hit(
                rank=rank,
                score=round(float(score), 4),
                path=path,
                title=payload["title"],
                page_number=payload["page_number"],
                section_titles=payload["section_titles"],
                text=payload["chunk_content"],
                document_id=payload["document_id"],
                chunk_id=payload["chunk_id"],
                version=payload["version"],
                repository_commit=payload["repository_commit"],
                duplicate_of=twin if twin != path else None,
            )
        )
    return hits


def main() -> int:
    """Answer the request on standard input and return the exit code."""
    answer = sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr):  # libraries that print must not spoil the JSON
            hits = search(**_request(sys.stdin.read()))
    except SearchRequestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump([asdict(hit) for hit in hits], answer, ensure_ascii=False)
    answer.write("\n")
    return 0


def _request(text: str) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except ValueError as error:
        raise SearchRequestError(f"The request is not JSON ({error}).") from None
    needed = {"question", "embedding_model"}
    if not isinstance(request, dict) or not needed <= request.keys() <= needed | _OPTIONAL:
        raise SearchRequestError(
            f"The request needs question and embedding_model, and may have {', '.join(sorted(_OPTIONAL))}."
        )
    return request


if __name__ == "__main__":
    sys.exit(main())
