"""Asks the collection for passages: opens it, checks the question, and picks the best of a ranking."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stagekit.base.paths import outputs_path
from stagekit.base.store_address import embedded_path, is_embedded
from stagekit.chunking.struck import is_wholly_struck
from stagekit.embedding.sparse import SPARSE_VERSION
from stagekit.errors import SearchRequestError, StageError
from stagekit.search.clauses import NamedClauses, clause_condition
from stagekit.search.languages import Languages
from stagekit.search.passages import Passage, pick_passages
from stagekit.search.ranking import DENSE, MODES, SPARSE, Mode, Question, Ranking, with_exact
from stagekit.storage.reading.opening import reading

if TYPE_CHECKING:
    from stagekit.embedding import ModelFiles
    from stagekit.storage.reading.conditions import Where
    from stagekit.storage.reading.reader import Point, StoreReader

__all__ = [
    "MODES",
    "Collection",
    "Mode",
    "Question",
    "SearchRequestError",
    "best_passages",
    "check_vector",
    "model_files",
    "open_collection",
    "open_store",
    "resolve_mode",
]

FETCHED_PER_HIT: Final = 4
CLAUSE_POINTS: Final = 200
"""Points with a clause that a question names which are looked at, whatever is asked for."""
MOST_FETCHED: Final = 1000

_log = logging.getLogger(__name__)
_ALTERED: Final = (  # the runner shows lines that begin so, see runner/tools.py
    "Warning: %d passages of the collection are not what nic-etl wrote and were left out: run "
    "`nic-etl verify --repair`."
)


@dataclass(frozen=True, slots=True)
class Collection:
    """What of a collection matters to a search."""

    name: str  # as asked for, an alias perhaps
    dimension: int  # of its dense vectors
    model: str  # ``name@revision`` of the model that they come from
    sparse: bool  # whether there are sparse vectors too, made as questions are here
    most: int | None = None  # points that one request may ask for, where the server's strict mode says so
    # where its languages lie, see :mod:`stagekit.search.languages`
    languages: Languages = field(default_factory=Languages)


@contextlib.contextmanager
def open_store(
    qdrant_url: str, outputs_dir: str, settings: Mapping[str, Any] | None = None
) -> Iterator[StoreReader]:
    """Open the store for reading, a server or the embedded one of an outputs folder, and word its errors.

    Raises:
        StageError: if there is no store yet, or it is locked or cannot be reached.
    """
    outputs = outputs_path(outputs_dir)
    if is_embedded(qdrant_url) and not embedded_path(outputs).is_dir():
        raise StageError(f"There is no store in {outputs} yet: run `nic-etl run` first.")
    with reading(qdrant_url, outputs, settings or {}) as store:
        yield store


def check_vector(vector: Sequence[float], collection: Collection) -> None:
    """Refuse a question's vector that cannot be of the collection's model.

    Raises:
        SearchRequestError: if its length is another.
    """
    if len(vector) != collection.dimension:
        raise SearchRequestError(
            f"The question's vector has {len(vector)} dimensions and those of {collection.name} have "
            f"{collection.dimension}: set embedding_model to the model that the collection was built with "
            f"({collection.model})."
        )


def model_files(embedding_model: str, revision: str, collection: Collection) -> ModelFiles:
    """Return the model's files, after checking on them alone that it is the collection's model.

    Raises:
        SearchRequestError: if the model is not on this machine, or is another.
    """
    from stagekit.embedding import ModelUnavailableError, resolve_model

    try:
        files = resolve_model(embedding_model, revision)
    except ModelUnavailableError as error:
        raise SearchRequestError(str(error)) from None
    if files.fingerprint != collection.model:
        raise SearchRequestError(
            f"Collection {collection.name} was built with {collection.model} and embedding_model is "
            f"{files.fingerprint}: set embedding_model to the collection's, or run `nic-etl run` into "
            "another collection_name."
        )
    return files


def open_collection(store: StoreReader, name: str) -> Collection:
    """Return a collection that can be searched.

    Raises:
        StageError: if it is missing.
        SearchRequestError: if its vectors are not as nic-etl makes them.
    """
    if not store.exists(name):
        raise StageError(f"There is no collection {name}: run `nic-etl run` first, or check collection_name.")
    facts = store.facts(name)
    if facts.dense is None or DENSE not in facts.dense:
        raise SearchRequestError(
            f"Collection {name} has no vectors named {DENSE}: it was made by another program or an earlier "
            "version of nic-etl; run `nic-etl run`, or check collection_name."
        )
    sparse = SPARSE in facts.sparse and facts.metadata.get("sparse") == SPARSE_VERSION
    model = str(facts.metadata.get("embedding_model", "unknown"))
    return Collection(name, facts.dense[DENSE], model, sparse, facts.most, Languages.of(facts.metadata))


def resolve_mode(mode: str, collection: Collection) -> Mode:
    """Return how to search; "" is hybrid where the collection has sparse vectors, else dense.

    Raises:
        SearchRequestError: if there is no such mode, or the collection has no sparse vectors for it.
    """
    if mode not in {"", *MODES}:
        raise SearchRequestError(f"mode is {mode!r}: set it to {', '.join(MODES)}.")
    if mode in {"hybrid", "sparse"} and not collection.sparse:
        raise SearchRequestError(
            f"Collection {collection.name} has no sparse vectors ({SPARSE_VERSION}) for mode {mode}: search "
            "with mode dense, or run `nic-etl run` with hybrid_search."
        )
    if mode == "":
        return "hybrid" if collection.sparse else "dense"
    return "hybrid" if mode == "hybrid" else "sparse" if mode == "sparse" else "dense"


def best_passages(
    store: StoreReader,
    collection: Collection,
    question: Question,
    mode: Mode,
    *,
    where: Where | None = None,
    top: int,
    per_document: int | None,
    join_copies: bool,
) -> list[Passage]:
    """Return the best passages, best first, at most `per_document` of one document.

    Where the question names a clause of a norm ("art. 12, § 1º, III"), the points that hold it come first,
    those of the norm that it names before others. A document that alone holds a word of the question has a
    passage among the first three. A point that is wholly struck out comes after all others.

    More points than asked for are fetched, and again more where one document fills them all. (Qdrant's own
    grouping in the embedded store did the same over all points, which took ten times as long.)

    A point whose payload is not the one that was written (its ``point_fingerprint``) is left out, with a
    warning in the log.

    Args:
        store: from :func:`open_store`.
        collection: from :func:`open_collection`.
        question: with its vector unless the mode is sparse.
        mode: how to search; a question of function words only is searched by meaning alone in hybrid mode.
        where: what passages have to meet; None for all.
        top: most passages to return.
        per_document: most passages of one document; None is as many as it has.
        join_copies: see :func:`stagekit.search.passages.pick_passages`.
    """
    ranking = _ranking(store, collection, question, mode, where)
    named = _with_named_clauses(store, collection, question, mode, where)
    apart = {point.id for point in named}
    limit = FETCHED_PER_HIT * top
    while True:
        points = ranking.first(limit)
        whole = len(points) < limit
        points = [*named, *(point for point in points if point.id not in apart)]
        points = with_exact(points, ranking.exact())
        points.sort(key=lambda point: is_wholly_struck(str(point.payload.get("chunk_content", ""))))
        kept, altered = pick_passages(points, top=top, per_document=per_document, join_copies=join_copies)
        in_force = [
            passage for passage in kept if not is_wholly_struck(str(passage.payloads[0]["chunk_content"]))
        ]
        if len(in_force) >= top or whole or limit >= MOST_FETCHED:
            if altered:
                _log.warning(_ALTERED, altered)
            return kept
        limit = min(4 * limit, MOST_FETCHED)


def _with_named_clauses(
    store: StoreReader, collection: Collection, question: Question, mode: Mode, where: Where | None
) -> list[Point]:
    """Return the points with a clause that the question names, those of the norm that it names first."""
    named = NamedClauses.of(question.text)
    if named is None:
        return []
    found: list[Point] = []
    for values in named.attempts:
        condition = clause_condition(values, where)
        found = _ranking(store, collection, question, mode, condition).first(CLAUSE_POINTS)
        if found:
            break
    return sorted(found, key=lambda point: -named.nearness(point.payload))


def _ranking(
    store: StoreReader, collection: Collection, question: Question, mode: Mode, where: Where | None
) -> Ranking:
    return Ranking(store, collection.name, question, mode, where, collection.most, collection.languages)
