"""Which fields of the payload a search may be filtered by, under which names, and what each of them takes."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any, Final, Literal

from stagekit.declared.keys import FRONT_MATTER_KEYS, STATUS_KEYS, fold

Kind = Literal[
    "text", "path", "language", "flag", "number", "day", "moment", "clause", "expired", "superseded"
]
# Beside what the schema says: `expired` depends on the day of the question, `superseded` asks whether there
# is something in `superseded_by`, and neither stands in a payload.
_OWN: Final[dict[str, Kind]] = {
    "clause": "clause",
    "clauses": "clause",
    "expired": "expired",
    "superseded": "superseded",
    "language": "language",
    "file_path": "path",
    "file_name": "path",
}
_SHORT: Final = {"path": "file_path", "file": "file_name", "page": "pages", "section": "section_titles"}
_OF_TYPES: Final[dict[str, Kind]] = {
    "string": "text",
    "boolean": "flag",
    "integer": "number",
    "number": "number",
}
_OF_FORMATS: Final[dict[str, Kind]] = {"date": "day", "date-time": "moment"}


class UnknownFieldError(ValueError):
    """There is no such field, or nothing can be compared with it; the message says which are near."""


def field_name(name: str) -> str:
    """Return the field that a name means: its own, a short one, or a key of front matter (pt, en, es).

    Raises:
        UnknownFieldError: if it means none.
    """
    kinds = _kinds()
    if name in kinds:
        return name
    folded = fold(name)
    found = folded if folded in kinds else _other_names().get(folded)
    if found is None:
        near = difflib.get_close_matches(folded, [*kinds, *_other_names()], n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/search.md has the fields."
        raise UnknownFieldError(f"the payload has no such field; {hint}")
    return found


def field_kind(field: str) -> Kind:
    """Return what a field takes; raise UnknownFieldError if nothing can be compared with it."""
    kind = _kinds()[field]
    if kind is None:
        raise UnknownFieldError("this field cannot be matched by a value; choose another one.")
    return kind


@cache
def _other_names() -> dict[str, str]:
    keys = {key: field for field, keys in FRONT_MATTER_KEYS.items() for key in keys}
    return keys | dict.fromkeys(STATUS_KEYS, "status") | _SHORT


@cache
def _kinds() -> dict[str, Kind | None]:
    """Return every field of the payload with its kind, None where it has none."""
    from stagekit.enrichment.schema import NicPayload

    properties = NicPayload.model_json_schema()["properties"]
    return {name: _kind(schema) for name, schema in properties.items()} | _OWN


def _kind(schema: dict[str, Any]) -> Kind | None:
    """Return the kind of the values that a JSON Schema allows beside null; of a list, that of its items."""
    for variant in schema.get("anyOf", [schema]):
        if variant.get("type") == "array":
            return _kind(variant["items"])
        if kind := _OF_FORMATS.get(variant.get("format", "")) or _OF_TYPES.get(variant.get("type", "")):
            return kind
    return None
