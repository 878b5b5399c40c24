"""What author and file say about a document, in whatever words and types they said it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from stagekit.declared.keys import (
    FRONT_MATTER_KEYS,
    PROPERTY_KEYS,
    fold_key,
    is_placeholder,
    own_entries,
    usable_title,
)

Row = Mapping[str, Any]
_FEWEST_WORDS: Final = {"description": 3}  # a shorter "subject" inside a file is a code or a keyword
_OWN_PROPERTIES: Final = ("effective_date", "expiration_date")  # what people add to an Office file themselves
_DATES: Final = frozenset({"created", "modified", *_OWN_PROPERTIES})


class DeclaredFields:
    """What author and file say about the document; remembers which front matter keys were understood."""

    def __init__(self, front_matter: Row, properties: Row) -> None:
        self._said = dict(front_matter)
        entries = [*own_entries(front_matter.items()), *front_matter.items()]  # what stands outermost holds
        self._front_matter = {fold_key(key): (key, value) for key, value in entries}
        self._properties = {fold_key(key): value for key, value in properties.items()}
        self._custom = {fold_key(key): value for key, value in (properties.get("custom") or {}).items()}
        self._used: set[str] = set()
        self.warnings: list[str] = []

    def read(self, field: str, parse: Callable[[Any], Any]) -> Any:
        """Return the first value for a field that can be parsed, None where there is none."""
        for key in FRONT_MATTER_KEYS[field]:
            name, value = self._front_matter.get(key, ("", None))
            if value is None or value in ("", [], {}):
                continue
            parsed = parse(value)
            if parsed is not None:
                self._used.add(name)
                return parsed
            self.warnings.append(f"{name}: {str(value)[:60]!r} in the front matter is not a usable {field}")
        own = [self._custom.get(key) for key in FRONT_MATTER_KEYS[field] if field in _OWN_PROPERTIES]
        for value in [*(self._properties.get(key) for key in PROPERTY_KEYS.get(field, ())), *own]:
            unset = value is None or (isinstance(value, str) and is_placeholder(value))
            unset = unset or (field == "title" and usable_title(parse_text(value)) is None)
            if unset or len(str(value).split()) < _FEWEST_WORDS.get(field, 1):
                continue
            if (parsed := parse(value)) is not None:
                return parsed
            if field in _DATES:  # a program's date can be read: somebody wrote this one
                self.warnings.append(f"{str(value)[:60]!r} in the file's properties is not a usable {field}")
        return None

    def understood(self, keys: Iterable[str]) -> None:
        """Note that these keys of the front matter were understood elsewhere."""
        self._used.update(keys)

    def rest(self) -> dict[str, Any]:
        """Return the front matter that no field took."""
        return {name: value for name, value in self._said.items() if name not in self._used}


def parse_text(value: Any) -> str | None:
    """Return a scalar or a list of scalars as one line of text, None where nothing is left."""
    if isinstance(value, list):
        value = ", ".join(texts(value))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).split()) or None


def texts(values: Any) -> list[str]:
    """Return the items of a list that are text, each as one line."""
    return [text for item in values or [] if not isinstance(item, list) and (text := parse_text(item))]


def parse_tags(value: Any) -> list[str] | None:
    """Return tags from a list or from text with commas or semicolons, each once."""
    items = re.split(r"[,;]", value) if isinstance(value, str) else value
    return list(dict.fromkeys(texts(items))) or None if isinstance(items, list) else None
