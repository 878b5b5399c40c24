"""Which of the fetched documents are served: what they declare, against the settings that say what counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stagekit.artifacts.rows import Rows, column_of
from stagekit.contract import StageResult
from stagekit.declared import (
    StatusWords,
    declared_format,
    has_expired,
    judge_status,
    read_declaration,
    resolve_day,
    validity,
)
from stagekit.declared.fields import DeclaredFields
from stagekit.declared.language_tags import normalize_language
from stagekit.declared.status import UNKNOWN
from stagekit.ingestion.selection import ignored_row

Row = dict[str, Any]


@dataclass(frozen=True)
class Approval:
    """What a document must be to be served."""

    words: StatusWords  # the table of status words
    # those that are served; a document that declares none is approved by where it lies
    statuses: frozenset[str]
    day: str  # on which it must not have expired, ``YYYY-MM-DD``
    include_expired: bool = True  # serve what has expired, too

    @classmethod
    def from_settings(
        cls,
        include_statuses: Sequence[str] | str,
        status_words: Mapping[str, str] | None = None,
        include_expired: bool = True,
        today: str = "",
    ) -> Approval:
        """Check the settings of the stage and bring them into their one form.

        Raises:
            StageError: if one of them cannot be meant; the sentence names it.
        """
        words = StatusWords(status_words)
        statuses = frozenset(words.statuses(include_statuses))
        return cls(words, statuses, resolve_day(today), include_expired)

    def reason(self, row: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return why a document is left out, as category and sentence; None if it is served."""
        # A version remembered as the last good one by an earlier release has its verdict under another name.
        status = row.get("declared_status") or row.get("front_matter_status")
        marked = row.get("declared_as") or f"status: {status}"
        if status == UNKNOWN:
            accepted = ", ".join(self.words.accepted(self.statuses))
            return "status", (
                f"it says {marked}, a status that is not known here; what is served says one of: {accepted} "
                "(status_words adds words)"
            )
        if status is not None and status not in self.statuses:
            word = "" if str(marked).endswith(f": {status}") else f" ({status})"
            return "status", f"it says {marked}{word}, which is not in include_statuses"
        last = row.get("expiration_date")
        if not self.include_expired and has_expired(last, self.day):
            return "expired", f"it was in force until {last} (include_expired is off)"
        return None


def approval_fields(data: bytes, file_name: str, words: StatusWords) -> Row:
    """Return what a document declares that bears on its approval, as columns of ``documents``.

    That is declared_status (a status of the schema, ``unknown``, or None), declared_as (in its own words),
    status_warning, and expiration_date. The file's name tells Markdown, HTML and plain text apart.
    """
    declared = read_declaration(data, declared_format(data, file_name))
    found = judge_status(declared.said, declared.properties, words)
    fields = DeclaredFields(declared.front_matter, declared.properties)
    language = fields.read("language", normalize_language) or declared.properties.get("language")
    _, last = validity(fields, normalize_language(language) or "")
    return {
        "declared_status": found.status,
        "declared_as": found.said or None,
        "status_warning": found.warning or None,
        "expiration_date": last,
    }


def set_aside(
    outcomes: Sequence[Row], approval: Approval, result: StageResult
) -> tuple[Sequence[Row], list[Row]]:
    """Split fetched documents into those that are served and the others.

    Args:
        outcomes: rows of the stage's map, with the columns of :func:`approval_fields`.
        approval: what counts.
        result: the stage's result: its counts are corrected by what is set aside, and its warnings say what
            has expired and which properties were not understood.

    Returns:
        the documents, and rows (path, category, reason) for the others.
    """
    names = ("declared_status", "declared_as", "status_warning", "expiration_date", "front_matter_status")
    columns = zip(*(column_of(outcomes, name) for name in names), strict=True)
    documents, ignored = [], []
    expired: list[int] = []
    unclear: dict[str, list[int]] = defaultdict(list)
    for place, values in enumerate(columns):
        said = dict(zip(names, values, strict=True))
        verdict = approval.reason(said)
        if verdict is not None:
            row = outcomes[place]
            ignored.append(ignored_row(row["path"], *verdict))
            _uncount(row, result)
            continue
        documents.append(place)
        if has_expired(said["expiration_date"], approval.day):
            expired.append(place)
        if said["status_warning"]:
            unclear[said["status_warning"]].append(place)
    if expired:
        result.warnings.append(
            f"{_counted(expired, outcomes)} expired and still served: see include_expired."
        )
    result.warnings += [f"{_counted(places, outcomes)}: {warning}." for warning, places in unclear.items()]
    if isinstance(outcomes, Rows):
        return outcomes.take(documents), ignored
    return [outcomes[place] for place in documents], ignored


def _counted(places: Sequence[int], outcomes: Sequence[Row]) -> str:
    first = outcomes[places[0]]["path"]
    return first if len(places) == 1 else f"{len(places)} documents (the first: {first})"


def _uncount(row: Row, result: StageResult) -> None:
    result.input_count -= 1
    result.output_count -= 1
    if row["status"] == "stale":
        result.stale_count -= 1
        return
    result.success_count -= 1
    result.unchanged_count -= bool(row["unchanged"])
