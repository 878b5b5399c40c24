"""Measures how well the collection answers known questions; ``nic-etl evaluate`` starts it as a process.

A line of the questions' file is a JSON object: ``query`` (the question), ``paths`` (the document that
answers it, by its path in the repository; further paths are copies, of which any counts), and optionally
``id``, and ``lang`` and ``class``, by which figures are grouped: the language, and the kind of question, such
as ``exact`` for those that ask for a word, code or number. Other fields and empty lines are ignored.
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stagekit.search.query import question_embedder
from stagekit.search.retrieval import (
    Collection,
    Mode,
    Question,
    SearchRequestError,
    best_passages,
    check_vector,
    model_files,
    open_collection,
    open_store,
    resolve_mode,
)
from stagekit.storage.reading.conditions import AnyOf, Where

if TYPE_CHECKING:
    from stagekit.storage.reading.reader import StoreReader

DEPTH: Final = 10
"""Documents looked at for each question."""

_FIGURES: Final = ("overall", "by_language", "by_class", "latency_ms")
Row = dict[str, Any]
Embed = Callable[[str], Sequence[float]]


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question and the paths of the documents that answer it."""

    id: str
    query: str
    paths: tuple[str, ...]
    lang: str  # "" where it is not given
    group: str  # its ``class`` in the file, likewise


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with its vector (None without a model) and the milliseconds that embedding it took."""

    known: KnownQuestion
    vector: Sequence[float] | None
    milliseconds: float


def evaluate(
    queries: str,
    *,
    qdrant_url: str = "embedded",
    collection_name: str = "nic_documents",
    outputs_dir: str = "",
    embedding_model: str,
    model_revision: str = "",
    embedding_dtype: str = "float32",
    embedding_backend: str = "auto",
    device: str = "cpu",
    mode: str = "",
    compare: bool = False,
    settings: Mapping[str, Any] | None = None,
    embed: Embed | None = None,
) -> Row:
    """Ask every question and rank the documents by their best chunk, as `nic-etl search` does.

    ``queries`` is the path of the questions' file. With ``compare`` they are asked in every mode that the
    collection can answer, side by side. The other arguments are those of
    :func:`stagekit.search.query.search`.

    Returns:
        collection, embedding_model, mode, questions (their number), ``overall``, ``by_language`` and
        ``by_class`` (see :func:`metrics`; the latter of questions that have a class), ``latency_ms`` (p50 and
        p95 of a question, and of its parts, embedding and store), ``missed`` (questions without their
        document among the first five: id, query, rank, paths, first_path), ``not_indexed`` (ids of questions
        whose documents the collection does not hold; they count as missed), and with `compare` ``modes``:
        the figures by mode.

    Raises:
        SearchRequestError: if the file or a setting is wrong, or the collection holds no question's document.
        StageError: if the collection cannot be asked.
    """
    questions = read_questions(Path(queries))
    with open_store(qdrant_url, outputs_dir, settings) as store:
        collection = open_collection(store, collection_name)
        missing = [question.id for question in questions if not _is_indexed(store, collection, question)]
        if len(missing) == len(questions):
            raise SearchRequestError(
                f"{collection.name} holds the document of no question of {queries}, so that nothing was "
                "measured: write the paths as the repository has them, or choose another collection."
            )
        chosen = resolve_mode(mode, collection)
        compared: tuple[Mode, ...] = ("dense", "sparse", "hybrid") if collection.sparse else ("dense",)
        modes = compared if compare else (chosen,)
        if embed is None and set(modes) != {"sparse"}:
            files = model_files(embedding_model, model_revision, collection)
            kind = (embedding_model, model_revision, embedding_dtype, device, embedding_backend)
            embed = question_embedder(files, *kind)
            embed("")  # the first use of a model is slower than any other
        asked = [_embedded(question, embed, collection) for question in questions]
        answers = {name: _ask(store, collection, name, asked) for name in modes}
    of_all = {"collection": collection.name, "embedding_model": collection.model, "mode": chosen}
    report = of_all | {"questions": len(questions), **answers[chosen], "not_indexed": missing}
    if compare:
        report["modes"] = {name: {key: answer[key] for key in _FIGURES} for name, answer in answers.items()}
    return report


def read_questions(path: Path) -> list[KnownQuestion]:
    """Read a file of questions, one JSON object a line.

    Raises:
        SearchRequestError: naming the line and the field that is wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SearchRequestError(
            f"{path} cannot be read ({reason}): give a file with one JSON object a line."
        ) from None
    questions = [_question(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not questions:
        raise SearchRequestError(f"{path} holds no question: write one JSON object a line.")
    return questions


def metrics(ranks: Sequence[int | None]) -> Row:
    """Return hit@1, hit@3, hit@5, mrr@10, ndcg@10 of the right documents' ranks, and the number of questions.

    Copies of the right document are one answer, so the ideal of nDCG is 1 (Järvelin and Kekäläinen 2002 with
    one relevant document: a question's value is 1 / log2(rank + 1)).

    Args:
        ranks: at least one; 1 is the first, None is below rank 10.
    """
    found = [rank for rank in ranks if rank is not None and rank <= DEPTH]
    sums = {
        "hit@1": sum(rank == 1 for rank in found),
        "hit@3": sum(rank <= 3 for rank in found),
        "hit@5": sum(rank <= 5 for rank in found),
        "mrr@10": math.fsum(1 / rank for rank in found),
        "ndcg@10": math.fsum(1 / math.log2(rank + 1) for rank in found),
    }
    return {name: round(value / len(ranks), 4) for name, value in sums.items()} | {"queries": len(ranks)}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _question(path: Path, number: int, line: str) -> KnownQuestion:
    where = f"{path}, line {number}"
    try:
        row = json.loads(line)
    except ValueError as error:
        raise SearchRequestError(f"{where}: this is not JSON ({error}).") from None
    if not isinstance(row, dict):
        raise SearchRequestError(f'{where}: this is no JSON object; write {{"query": …, "paths": […]}}.')
    query, paths = row.get("query"), row.get("paths")
    if not isinstance(query, str) or not query.strip():
        raise SearchRequestError(f"{where}: query must be the question as text.")
    if not isinstance(paths, list) or not paths or not all(isinstance(one, str) and one for one in paths):
        raise SearchRequestError(
            f"{where}: paths must be a list with the path of the document that answers the question."
        )
    lang, group = row.get("lang", ""), row.get("class", "")
    if not isinstance(lang, str):
        raise SearchRequestError(f"{where}: lang must be text, such as pt.")
    if not isinstance(group, str):
        raise SearchRequestError(f"{where}: class must be text, such as exact.")
    return KnownQuestion(str(row.get("id", number)), query, tuple(paths), lang, group)


def _embedded(known: KnownQuestion, embed: Embed | None, collection: Collection) -> _Asked:
    if embed is None:
        return _Asked(known, None, 0.0)
    begin = time.perf_counter()
    try:
        vector = embed(known.query)
    except ValueError as error:
        raise SearchRequestError(f"Question {known.id} cannot be embedded: {error}") from None
    milliseconds = 1000 * (time.perf_counter() - begin)
    check_vector(vector, collection)
    return _Asked(known, vector, milliseconds)


def _ask(store: StoreReader, collection: Collection, mode: Mode, asked: Sequence[_Asked]) -> Row:
    """Return the figures of one mode, and the questions that it missed."""
    ranks: list[int | None] = []
    waits: list[float] = []
    missed: list[Row] = []
    for asked_question in asked:
        question = Question(asked_question.known.query, asked_question.vector)
        begin = time.perf_counter()
        found = best_passages(store, collection, question, mode, top=DEPTH, per_document=1, join_copies=False)
        waits.append(1000 * (time.perf_counter() - begin))
        paths = [str(passage.payloads[0]["file_path"]) for passage in found]
        rank = next((at for at, path in enumerate(paths, 1) if path in asked_question.known.paths), None)
        ranks.append(rank)
        if rank is None or rank > 5:
            missed.append(_missed(asked_question.known, rank, paths))
    embedding = [0.0 if mode == "sparse" else asked_question.milliseconds for asked_question in asked]
    total = [sum(parts) for parts in zip(embedding, waits, strict=True)]
    languages = [asked_question.known.lang or "unknown" for asked_question in asked]
    return {
        "overall": metrics(ranks),
        "by_language": _by(languages, ranks),
        "by_class": _by([asked_question.known.group for asked_question in asked], ranks),
        "latency_ms": {**_latency(total), "embedding": _latency(embedding), "store": _latency(waits)},
        "missed": missed,
    }


def _by(groups: Sequence[str], ranks: Sequence[int | None]) -> Row:
    """Return the metrics of each group of questions; those without a group are left out."""
    ranks_of: dict[str, list[int | None]] = defaultdict(list)
    for group, rank in zip(groups, ranks, strict=True):
        ranks_of[group].append(rank)
    return {group: metrics(ranks_of[group]) for group in sorted(ranks_of) if group}


def _missed(known: KnownQuestion, rank: int | None, paths: Sequence[str]) -> Row:
    found = {"rank": rank, "first_path": paths[0] if paths else None}
    return {"id": known.id, "query": known.query, "paths": list(known.paths)} | found


def _latency(milliseconds: Sequence[float]) -> Mapping[str, float]:
    return {
        "p50": round(percentile(milliseconds, 0.5), 2),
        "p95": round(percentile(milliseconds, 0.95), 2),
    }


def _is_indexed(store: StoreReader, collection: Collection, question: KnownQuestion) -> bool:
    return store.count(collection.name, Where(must=[AnyOf("file_path", question.paths)])) > 0


tool = evaluate
