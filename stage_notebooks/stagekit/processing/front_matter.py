"""Splits the YAML front matter off a Markdown file; a mistake in it never costs the text."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import yaml

__all__ = ["split_front_matter"]

MAX_FRONT_MATTER = 65536  # characters
_BLOCK = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


class _Loader(yaml.SafeLoader):
    """YAML's safe types, without aliases: they can blow up a small file to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)


def split_front_matter(text: str) -> tuple[dict[str, Any], str, list[str]]:
    """Return the front matter as plain JSON values, the text after it, and warnings.

    Dates become ISO 8601 strings. Front matter that cannot be read stays in the text, with a warning.

    Args:
        text: A Markdown file with line feeds as line ends.
    """
    match = _BLOCK.match(text)
    if match is None:
        return {}, text, []
    try:
        if len(match.group(1)) > MAX_FRONT_MATTER:
            raise yaml.YAMLError(f"it is longer than {MAX_FRONT_MATTER} characters")
        loaded = yaml.load(match.group(1), Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return {}, text, [f"The YAML front matter cannot be read and was kept as text: {reason}"]
    if loaded is None:
        return {}, text[match.end() :], []
    if not isinstance(loaded, dict):
        return {}, text, ["The block between '---' lines holds no key: value pairs and was kept as text."]
    return _plain(loaded), text[match.end() :], []


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(str(item) for item in value)
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
