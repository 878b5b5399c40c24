"""Reads filters as people write them, and makes conditions of them for one collection.

Reading needs neither store nor model, so that a wrong name or value is told at once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from stagekit.chunking.normative.citations import clause_values
from stagekit.declared.dates import read_date
from stagekit.declared.language_tags import normalize_language
from stagekit.declared.written_dates import WrittenDate
from stagekit.errors import SearchRequestError
from stagekit.search.clauses import CLAUSES, clause_condition
from stagekit.search.filter_fields import Kind, UnknownFieldError, field_kind, field_name
from stagekit.search.stored_values import MOST_VALUES, folded, nearest, stored_values
from stagekit.storage.reading.conditions import AnyOf, Condition, Empty, Flag, Where, Within

if TYPE_CHECKING:
    from stagekit.storage.reading.reader import StoreReader

_log = logging.getLogger(__name__)
_OPERATORS: Final = ("=", ">=", ">", "<=", "<")
_IN_ORDER: Final[frozenset[Kind]] = frozenset({"number", "day", "moment"})
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?")
_TAG: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class FieldFilter:
    """One condition of a question."""

    said: str  # the field's name as it was written
    field: str  # of the payload
    kind: Kind  # what the field takes
    operator: str  # "=", ">=", ">", "<=" or "<"
    # of which one must match; bool, float, text, or the first moment that a date means and the first
    # one after it, as the kind asks for
    values: tuple[Any, ...]
    texts: tuple[str, ...]  # the same as they were written

    def fault(self, what: str) -> SearchRequestError:
        """Return an error that names the filter as it was written."""
        return SearchRequestError(f"Filter {self.said}{self.operator}{','.join(self.texts)}: {what}")


def read_filters(filters: Mapping[str, Any]) -> list[FieldFilter]:
    """Return the conditions of filters.

    Args:
        filters: field -> value that it must have, list of values of which it must have one, or a mapping of
            operators ("=", ">=", ">", "<=", "<") to such values.

    Raises:
        SearchRequestError: naming the filter, if there is no such field, or it takes no such value.
    """
    read = []
    for said, wanted in filters.items():
        try:
            field = field_name(said)
            kind = field_kind(field)
        except UnknownFieldError as error:
            raise SearchRequestError(f"Filter {said}: {error}") from None
        for operator, given in wanted.items() if isinstance(wanted, Mapping) else [("=", wanted)]:
            values = given if isinstance(given, list | tuple) else [given]
            if operator not in _OPERATORS:
                raise SearchRequestError(f"Filter {said}: {operator!r} is none of {' '.join(_OPERATORS)}.")
            one = FieldFilter(said, field, kind, operator, (), tuple(map(str, values)))
            read.append(_checked(one, values))
    return read


def build_filter(
    filters: Sequence[FieldFilter], store: StoreReader, collection: str, day: str
) -> Where | None:
    """Return the condition that requires all filters; None where there are none.

    Texts are compared with those that the collection holds, whatever their case and accents; a language is
    meant with all of its regions.

    Args:
        filters: from :func:`read_filters`.
        store: from :func:`stagekit.search.retrieval.open_store`.
        collection: its name or alias.
        day: on which expiry is judged, ``YYYY-MM-DD``.

    Raises:
        SearchRequestError: if a field has none of the values; it names those that it has.
    """
    conditions = [made for one in filters for made in _conditions(one, store, collection, day)]
    return Where(must=conditions) if conditions else None


def _checked(wanted: FieldFilter, values: Sequence[Any]) -> FieldFilter:
    if wanted.operator != "=" and wanted.kind not in _IN_ORDER:
        raise wanted.fault(f"{wanted.field} has no order; write {wanted.said}=value.")
    return FieldFilter(
        wanted.said,
        wanted.field,
        wanted.kind,
        wanted.operator,
        tuple(_typed(wanted, value) for value in values),
        wanted.texts,
    )


def _typed(wanted: FieldFilter, value: Any) -> Any:
    """Return a value in the type of its field: what comes from a command line is text."""
    text = str(value).strip()
    match wanted.kind:
        case "flag" | "expired" | "superseded":
            if text.lower() not in {"true", "false"}:
                raise wanted.fault(f"write {wanted.said}=true or {wanted.said}=false.")
            return text.lower() == "true"
        case "number":
            if not _NUMBER.fullmatch(text):
                raise wanted.fault(f"the field {wanted.field} takes numbers.")
            return float(text)
        case "day" | "moment":
            written = read_date(value)
            try:
                span = _span(written, whole_days=wanted.kind == "day") if written else None
            except OverflowError:  # year 1 or 9999 with an offset
                span = None
            if span is None:
                raise wanted.fault("write a date such as 2024-05-10, 10/05/2024, 2024-05 or 2024.")
            return span
        case _:
            return text


def _conditions(wanted: FieldFilter, store: StoreReader, collection: str, day: str) -> Iterator[Condition]:
    match wanted.kind:
        case "clause":
            yield clause_condition(_stored(wanted, store, collection))
        case "flag" | "expired" | "superseded" if len(set(wanted.values)) > 1:
            return
        case "flag":
            yield Flag(wanted.field, wanted.values[0])
        case "expired":
            before = Within("expiration_date", lt=_midnight(day))
            yield before if wanted.values[0] else Where(must_not=[before])
        case "superseded":
            empty = Empty("superseded_by")
            yield Where(must_not=[empty]) if wanted.values[0] else empty
        case "number" | "day" | "moment":
            ranges = [_within(wanted, value) for value in wanted.values]
            if wanted.operator == "=" and len(ranges) > 1:
                yield Where(should=ranges)
            else:
                yield from ranges
        case _:
            yield AnyOf(wanted.field, _stored(wanted, store, collection))


def _stored(wanted: FieldFilter, store: StoreReader, collection: str) -> list[str]:
    """Return the stored values that a filter means."""
    values = stored_values(store, collection, CLAUSES if wanted.kind == "clause" else wanted.field)
    met = {text: _met(wanted.kind, text, values) for text in wanted.texts}
    if len(values) >= MOST_VALUES:
        for text in [text for text, found in met.items() if not found]:
            met[text] = clause_values(text) if wanted.kind == "clause" else [text]
    missing = [text for text, found in met.items() if not found]
    if missing and not values:
        raise wanted.fault(f"no passage here has a {wanted.field}.")
    for text in missing:
        fault = f"no passage here has it; {wanted.field} is one of: {nearest(text, values)}."
        if len(missing) == len(met):
            raise wanted.fault(fault)
        _log.warning("Warning: Filter %s=%s: %s", wanted.said, text, fault)
    return list(dict.fromkeys(value for found in met.values() for value in found))


def _met(kind: Kind, text: str, values: Sequence[str]) -> list[str]:
    if kind == "path" and text in values:  # another case is another file
        return [text]
    if kind == "clause":
        named = clause_values(text)
        return [value for value in values if value in named]
    if kind == "language":
        # RFC 4647, basic filtering: a range is met by itself and by what goes on after it.
        tag = text if _TAG.fullmatch(text.strip()) else normalize_language(text) or text
        wanted = tag.strip().replace("_", "-").casefold()
        return [value for value in values if f"{value.casefold()}-".startswith(f"{wanted}-")]
    wanted = folded(text)
    return [value for value in values if folded(value) == wanted]


def _within(wanted: FieldFilter, value: Any) -> Within:
    """Return the range of a number, or of the day, month, year or moment that was written."""
    if wanted.kind == "number":
        bounds = {"=": ("gte", "lte"), ">=": ("gte",), ">": ("gt",), "<=": ("lte",), "<": ("lt",)}
        return Within(wanted.field, **dict.fromkeys(bounds[wanted.operator], value))
    first, after = value
    ends: dict[str, dict[str, datetime]] = {
        "=": {"gte": first, "lt": after},
        ">=": {"gte": first},
        ">": {"gte": after},
        "<=": {"lt": after},
        "<": {"lt": first},
    }
    return Within(wanted.field, **ends[wanted.operator])


def _span(written: WrittenDate, *, whole_days: bool) -> tuple[datetime, datetime]:
    """Return the first moment that a date means, and the first one after it, in UTC."""
    if written.timed and not whole_days:
        moment = written.moment
        first = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        return first, first + timedelta(seconds=1)
    last = min(written.last_day, date.max - timedelta(days=1))
    return _midnight(written.moment.date().isoformat()), _midnight((last + timedelta(days=1)).isoformat())


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)
