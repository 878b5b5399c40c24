"""The map over documents: what is remembered of each, what is made of the others, batch by batch.

Between being made and being handed on an outcome is a JSON text, a tenth of the memory of its objects; so the
memory of a stage hardly grows with the number of documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stagekit.artifacts.manifest import ColumnOrigins, is_outcome, stale_row
from stagekit.artifacts.memo import Memo, digest
from stagekit.artifacts.rows import Rows
from stagekit.base.plain_json import canonical_json, parse_json
from stagekit.contract import artifact_refs
from stagekit.stage.display import Progress
from stagekit.stage.execution import LIMIT_CATEGORIES, UNDECLARED_CATEGORIES, Executor, Workplace
from stagekit.stage.keeping import Keeper

Row = dict[str, Any]
_NEAR_END_S = 5.0
_AT_ONCE = 250  # outcomes that are objects at the same time


class _Packed(NamedTuple):
    """An outcome between being made and being handed on."""

    memo_key: str
    text: str


@dataclass
class MapMemory:
    """What a stage knows of documents, and learns of them."""

    stage: str  # its name
    memo: Memo  # what was made of contents before
    place: Workplace  # where products go
    keeper: Keeper  # remembers what is made now
    # where the columns of the outcomes come from, by memo key
    columns: dict[str, ColumnOrigins] = field(default_factory=dict)
    failures: int = 0  # how many documents failed
    _origins: dict[ColumnOrigins, ColumnOrigins] = field(default_factory=dict)

    def origins(self, memo_key: str, found: ColumnOrigins) -> None:
        """Note where the columns of an outcome come from."""
        self.columns[memo_key] = self._origins.setdefault(found, found)  # one of each kind

    def whole(self, values: Mapping[str, Row]) -> set[str]:
        """Return the keys of those values that are outcomes and whose artifacts are all there."""
        refs = {key: artifact_refs(value) for key, value in values.items()}
        missing = self.place.store.missing({ref.uri: ref.bytes for found in refs.values() for ref in found})
        return {
            key
            for key, found in refs.items()
            if is_outcome(values[key]) and not any(ref.uri in missing for ref in found)
        }


@dataclass(frozen=True)
class DocumentMap:
    """What :meth:`stagekit.stage.stage.Stage.map_documents` applies to documents."""

    base: str  # digest of all that determines the output of every document
    key: Callable[[Row], Any]  # what of a row determines its output
    executor: Executor  # does the work
    carry: Callable[[Row], Row] | None  # columns of the input row that the outcome takes over
    keep_last_good: bool  # answer with the last good outcome where a document fails or is rejected
    # called once with the number of documents that are made here, a few seconds before the last is,
    # where the executor can tell
    near_end: Callable[[int], None]

    def outcomes(self, rows: Sequence[Row], memory: MapMemory, *, carried: int = 0) -> Iterator[list[Row]]:
        """Yield an outcome for each row, in their order, some hundred at a time: remembered, or made now.

        The stage's memory learns what is made; the carried documents, which need no look, count as done.
        """
        keys = [digest(self.base, self.key(row)) for row in rows]
        known = self._remembered(keys, memory)
        packed = known | self._make(rows, keys, known, memory, carried)
        for begin in range(0, len(keys), _AT_ONCE):
            window = slice(begin, begin + _AT_ONCE)
            batch = []
            for row, content_key in zip(rows[window], keys[window], strict=True):
                memo_key, value = packed[content_key].memo_key, parse_json(packed[content_key].text)
                head = {"document_id": row["document_id"], "path": row["path"]}
                copied = self.carry(row) if self.carry else {}
                memory.origins(
                    memo_key, ColumnOrigins(frozenset(copied), frozenset(value), self.keep_last_good)
                )
                unchanged = content_key in known
                batch.append({**head, **copied, **value, "memo_key": memo_key, "unchanged": unchanged})
            memory.failures += sum(outcome["status"] == "failed" for outcome in batch)
            yield self._with_last_good(rows[window], batch, memory) if self.keep_last_good else batch

    def _remembered(self, keys: Sequence[str], memory: MapMemory) -> dict[str, _Packed]:
        """Return what is known of contents, by their keys."""
        packed: dict[str, _Packed] = {}
        for begin in range(0, len(keys), _AT_ONCE):
            some = keys[begin : begin + _AT_ONCE]
            # A verdict of a limit is kept under a key of its own: under other limits it does not hold.
            limited = {key: self._limit_key(key) for key in some} if self.executor.limits else {}
            found = memory.memo.get_many([*some, *limited.values()])
            whole = memory.whole(found)
            for key in some:
                for memo_key in (limited.get(key), key):
                    if memo_key in whole:
                        packed[key] = _Packed(memo_key, canonical_json(found[memo_key]))
        return packed

    def _make(
        self,
        rows: Sequence[Row],
        keys: Sequence[str],
        known: Mapping[str, _Packed],
        memory: MapMemory,
        carried: int,
    ) -> dict[str, _Packed]:
        """Make what is not known, each content once, and remember each outcome at once."""
        documents = Counter(keys)
        progress = Progress(carried + len(rows))
        progress.advance(carried + sum(documents[key] for key in known))
        missing: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key not in known:
                missing.setdefault(key, place)
        names = list(missing)
        made: dict[str, _Packed] = {}
        some = rows if len(missing) == len(rows) else _taken(rows, list(missing.values()))
        waiting = [lambda: self.near_end(len(missing))]

        def show(paths: Sequence[str], share: float | None = None) -> None:
            progress.start(*paths, share=share)
            left = None if share is None else progress.left_s()
            if waiting and left is not None and left <= _NEAR_END_S:
                waiting.pop()()

        work = self.executor.run(some, memory.place, show)
        with memory.keeper, closing(work):  # an interrupt anywhere in here ends the executor's processes
            for index, value in work:
                key = names[index]
                limited = self.executor.limits and value["category"] in LIMIT_CATEGORIES
                memo_key = self._limit_key(key) if limited else key
                made[key] = _Packed(memo_key, canonical_json(value))
                # Our own failures are tried again on the next run, as what another machine would do better.
                if value["status"] != "failed" and value["category"] not in self.executor.passing:
                    memory.keeper.keep(memo_key, value)
                progress.advance(documents[key])
        progress.close()
        return made

    def _with_last_good(self, rows: Sequence[Row], batch: list[Row], memory: MapMemory) -> list[Row]:
        result = []
        for row, outcome in zip(rows, batch, strict=True):
            good = None
            if outcome["status"] in {"failed", "rejected"}:
                good = memory.memo.last_good(memory.stage, outcome["document_id"])
            if good is not None and self._was_a_guess(good, outcome, row):
                memory.memo.forget_good([(memory.stage, outcome["document_id"])])
                good = None
            if good is None or not memory.whole({"": good}):
                result.append(outcome)
                continue
            memory.columns.setdefault(good["memo_key"], memory.columns[outcome["memo_key"]])
            result.append(stale_row(good, outcome))
        fresh = [(row["document_id"], row) for row in result if row["status"] == "ok"]
        memory.memo.remember_good(memory.stage, fresh)
        return result

    def _was_a_guess(self, good: Row, outcome: Row, row: Row) -> bool:
        """Tell whether the last good outcome is of this very content, of which approval cannot be told now.

        A former version that read it less strictly took it for approved.
        """
        if outcome["category"] not in UNDECLARED_CATEGORIES:
            return False
        try:
            return bool(self.key(good.get("source", good)) == self.key(row))
        except (KeyError, TypeError):
            return True  # of a form that is not known any more

    def _limit_key(self, key: str) -> str:
        return digest(key, self.executor.limits)


def _taken(rows: Sequence[Row], places: Sequence[int]) -> Sequence[Row]:
    return rows.take(places) if isinstance(rows, Rows) else [rows[place] for place in places]
