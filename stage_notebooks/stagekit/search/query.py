"""Answers a question with passages from the collection; ``nic-etl search`` starts it as a process.

``python -m stagekit.search.query`` reads a request as JSON from standard input (the arguments of
:func:`search`) and writes a JSON list to standard output. Exit codes: 0 answered, 1 the store cannot
answer, 2 the request or a setting is wrong; standard error then holds one sentence.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from stagekit.chunking.normative import clause_values
from stagekit.declared.validity import has_expired, resolve_day
from stagekit.enrichment.citation import file_link
from stagekit.errors import StageError
from stagekit.search.clauses import CLAUSES, clause_condition
from stagekit.search.retrieval import (
    Question,
    SearchRequestError,
    best_points,
    check_vector,
    model_files,
    open_collection,
    open_store,
    resolve_mode,
)

if TYPE_CHECKING:
    from qdrant_client.models import ScoredPoint

    from stagekit.embedding import ModelFiles
    from stagekit.embedding.model import EmbeddingModel

__all__ = [
    "Hit",
    "SearchRequestError",
    "check_vector",
    "file_link",
    "main",
    "model_files",
    "open_store",
    "plain_search",
    "search",
]

PASSAGES_PER_DOCUMENT: Final = 2
EXPIRED: Final = "expired"
"""A filter, and a field of a hit, that depends on the day of the question and so stands in no payload."""
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
        expired: the document's own last day has passed, on the day of the question.
        link: web address of the file at its commit where the repository has one, else ``path@commit``.
        duplicate_of: path of a better ranked hit with the same text, None for the first of its kind.

    The others are fields of the payload, see :mod:`stagekit.enrichment.schema`.
    """

    rank: int
    score: float
    path: str
    title: str
    page_number: int | None
    section_titles: list[str]
    clause: str | None
    has_struck_text: bool
    text: str
    document_id: str
    chunk_id: str
    version: str
    repository_commit: str
    is_latest: bool
    expiration_date: str | None
    expired: bool
    superseded_by: dict[str, Any] | None
    link: str
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
    embedding_backend: str = "auto",
    device: str = "cpu",
    top: int = 5,
    filters: Mapping[str, Any] | None = None,
    mode: str = "",
    settings: Mapping[str, Any] | None = None,
    today: str = "",
    embed: Embed | None = None,
) -> list[Hit]:
    """Return the best passages, at most two from one document.

    Args:
        question: in any language that the model knows.
        qdrant_url: address of a Qdrant server, or "embedded".
        collection_name: of the collection.
        outputs_dir: see :func:`stagekit.base.paths.outputs_path`.
        embedding_model: the setting that the collection was built with.
        model_revision: as in that setting.
        embedding_dtype: number type for the question; it may differ from the documents'.
        embedding_backend: "auto", "torch" or "onnx"; "auto" takes what is ready soonest.
        device: "cpu", "cuda" or "auto".
        top: most passages to return.
        filters: payload field -> value that it must equal, or list of values of which one must match;
            ``expired`` -> true or false, though no payload holds it; ``clause`` -> a clause as people cite it
            ("art 5", "Art. 5º, § 2º"), which is found with all that is below it.
        mode: "hybrid" (by meaning and by words), "dense" (meaning) or "sparse" (words); "" is hybrid where
            the collection has sparse vectors.
        settings: by name; those of the connection are taken.
        today: day on which expiry is judged, as in that setting.
        embed: turns the question into a vector; by default the embedding model does.

    Raises:
        SearchRequestError: if an argument is wrong, or the model is not the collection's.
        StageError: if the collection is missing, empty, locked or cannot be reached.
    """
    if not question.strip():
        raise SearchRequestError("The question is empty: put it in quotes after `nic-etl search`.")
    if top < 1:
        raise SearchRequestError(f"top is {top}: set it to 1 or more.")
    day = resolve_day(today)
    query_filter = _filter(filters or {}, day)
    with open_store(qdrant_url, outputs_dir, settings) as client:
        collection = open_collection(client, collection_name)
        chosen = resolve_mode(mode, collection)
        vector: Sequence[float] | None = None
        if chosen != "sparse":
            if embed is None:
                files = model_files(embedding_model, model_revision, collection)
                vector = _embed(
                    question,
                    files,
                    embedding_model,
                    model_revision,
                    embedding_dtype,
                    device,
                    embedding_backend,
                )
            else:
                vector = list(embed(question))
            check_vector(vector, collection)
        found = best_points(
            client,
            collection,
            Question(question, vector),
            chosen,
            query_filter=query_filter,
            top=top,
            per_document=PASSAGES_PER_DOCUMENT,
        )
    return _hits(found, day)


def _embed(
    question: str, files: ModelFiles, name: str, revision: str, dtype: str, device: str, backend: str = "auto"
) -> list[float]:
    from stagekit.embedding import embed_texts

    try:
        model = question_model(files, name, revision, dtype, device, backend)
        vectors = embed_texts(model, [question], files.query_prompt)
    except ValueError as error:
        raise SearchRequestError(f"The question cannot be embedded: {error}") from None
    found: list[float] = vectors[0].tolist()
    return found


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
    return load_model(name, revision, dtype=dtype, device=device, backend="torch")


def _filter(filters: Mapping[str, Any], day: str) -> Any:
    """Return the Qdrant filter that requires every field to have its value."""
    from qdrant_client.models import FieldCondition, Filter, MatchAny, MatchValue

    conditions: list[Any] = []
    for name, wanted in filters.items():
        if name == EXPIRED:
            conditions += _of_expiry(wanted if isinstance(wanted, list) else [wanted], day)
            continue
        if name in {"clause", CLAUSES}:
            named = wanted if isinstance(wanted, list) else [wanted]
            values = [value for one in named for value in clause_values(str(one))]
            conditions.append(clause_condition(values))
            continue
        values = [_typed(name, value) for value in (wanted if isinstance(wanted, list) else [wanted])]
        match = MatchValue(value=values[0]) if len(values) == 1 else MatchAny(any=values)
        conditions.append(FieldCondition(key=name, match=match))
    return Filter(must=conditions) if conditions else None


def _of_expiry(wanted: Sequence[Any], day: str) -> list[Any]:
    """Return the condition that an expiration date lies before a day, or does not."""
    from qdrant_client.models import DatetimeRange, FieldCondition, Filter

    words = {str(value).strip().lower() for value in wanted}
    if not words <= {"true", "false"}:
        raise SearchRequestError(f"Filter {EXPIRED}: write {EXPIRED}=true or {EXPIRED}=false.")
    before = FieldCondition(key="expiration_date", range=DatetimeRange(lt=_midnight(day)))
    if len(words) > 1:
        return []
    return [before] if "true" in words else [Filter(must_not=[before])]


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)


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
        near = difflib.get_close_matches(name, [*NicPayload.model_fields, EXPIRED], n=1)
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


def _hits(found: Sequence[ScoredPoint], day: str) -> list[Hit]:
    rows = [(float(point.score), point.payload or {}) for point in found]
    first_path: dict[str, str] = {}
    hits = []
    for rank, (score, payload) in enumerate(rows, start=1):
        path = payload["file_path"]
        twin = first_path.setdefault(payload["content_hash"], path)
        hits.append(
            Hit(
                rank=rank,
                score=round(score, 4),
                path=path,
                title=payload["title"],
                page_number=payload["page_number"],
                section_titles=payload["section_titles"],
                clause=payload.get("clause"),
                has_struck_text=bool(payload.get("has_struck_text")),
                text=payload["chunk_content"],
                document_id=payload["document_id"],
                chunk_id=payload["chunk_id"],
                version=payload["version"],
                repository_commit=payload["repository_commit"],
                is_latest=payload.get("is_latest", True),
                expiration_date=payload.get("expiration_date"),
                expired=has_expired(payload.get("expiration_date"), day),
                superseded_by=payload.get("superseded_by"),
                link=file_link(payload),
                duplicate_of=twin if twin != path else None,
            )
        )
    return hits


def answer_request(tool: Callable[..., Any], *, needed: set[str], known: set[str]) -> int:
    """Call a tool with the JSON request on standard input, write its answer as JSON, return the exit code.

    Args:
        tool: what to call; its answer is plain JSON.
        needed: names of the arguments that a request must have.
        known: names of all arguments that it may have.
    """
    answer = sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr):  # libraries that print must not spoil the JSON
            result = tool(**_request(sys.stdin.read(), needed, known))
    except SearchRequestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(result, answer, ensure_ascii=False)
    answer.write("\n")
    return 0


def _request(text: str, needed: set[str], known: set[str]) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except ValueError as error:
        raise SearchRequestError(f"The request is not JSON ({error}).") from None
    if not isinstance(request, dict) or not needed <= request.keys() <= known:
        raise SearchRequestError(
            f"The request needs {' and '.join(sorted(needed, reverse=True))}, and may have "
            f"{', '.join(sorted(known - needed))}."
        )
    return request


def main() -> int:
    """Answer the request on standard input and return the exit code."""
    known = set(inspect.signature(search).parameters) - {"embed"}
    return answer_request(plain_search, needed={"question", "embedding_model"}, known=known)


def plain_search(**request: Any) -> list[dict[str, Any]]:
    """Call :func:`search` and return its hits as plain JSON."""
    return [asdict(hit) for hit in search(**request)]


if __name__ == "__main__":
    sys.exit(main())
