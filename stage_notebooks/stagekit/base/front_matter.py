"""Front matter of Markdown files, read safely (anyone may have written it) and alike in all stages.

Front matter is the YAML block between a first line ``---`` and the next line ``---`` or ``...``, as Jekyll
introduced it. Authors break its YAML often (an unquoted colon in a title, ``{{ }}`` of a template), so the
lines of a broken block that make sense by themselves are still used.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from typing import Any

import yaml

__all__ = ["STATUSES", "canonical_status", "split_front_matter"]

_BLOCK = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_LINE = re.compile(r"([^\W\d][\w -]*?)[ \t]*:[ \t]+(\S.*)")
_MAX_CHARACTERS = 64 * 1024  # a block longer than this is no metadata, and parsing it may take minutes
_STATUS = {
    "approved": "approved aprovado aprovada aprobado aprobada vigente",
    "published": "published publicado publicada",
    "draft": "draft rascunho minuta borrador",
    "review": "review revisão revisao revisión revision in_review em_revisão em_revisao en_revisión",
    "archived": "archived arquivado arquivada archivado archivada revogado revogada obsoleto obsoleta",
}
STATUSES = frozenset(_STATUS)
"""The statuses of the NIC schema."""
_STATUS_BY_WORD = {word: status for status, words in _STATUS.items() for word in words.split()}


def split_front_matter(text: str) -> tuple[dict[str, Any], str, str | None]:
    """Split a Markdown text into its front matter and its body.

    Args:
        text: the decoded file; a byte order mark and either kind of line end are accepted.

    Returns:
        the front matter as plain JSON (dates as ISO 8601 strings; a number whose text is not its own
        canonical form, such as ``1.10`` or ``007``, stays text), the text behind it, and a warning (one
        sentence) where the block could not be read as YAML. A text without front matter comes back whole.
    """
    block = _BLOCK.match(text)
    if block is None:
        return {}, text, None
    source, body = block[1], text[block.end() :]
    if len(source) > _MAX_CHARACTERS:
        return {}, body, f"The front matter is longer than {_MAX_CHARACTERS} characters and was not read."
    try:
        value = yaml.load(source, _Loader)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        return _line_by_line(source), body, f"The front matter is not valid YAML ({_reason(error)})."
    if value is None:
        return {}, body, None
    if not isinstance(value, dict):
        return {}, text, None  # two thematic breaks with prose between them
    return {str(name): _plain(item) for name, item in value.items()}, body, None


def canonical_status(value: Any) -> str | None:
    """Return the status of a document in the words of the NIC schema, or None if there is none.

    The usual Portuguese and Spanish words are understood; any other word comes back in lower case.
    """
    word = "" if value is None else str(value).strip().casefold()
    return _STATUS_BY_WORD.get(re.sub(r"[\s-]+", "_", word), word) or None


class _Loader(yaml.SafeLoader):
    """YAML for strangers: aliases (which can multiply a small text to gigabytes) are refused."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses an alias")
        return super().compose_node(parent, index)


def _number_as_written(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    integer = node.tag.endswith(":int")
    value = loader.construct_yaml_int(node) if integer else loader.construct_yaml_float(node)
    return value if str(value) == node.value else node.value


_Loader.add_constructor("tag:yaml.org,2002:int", _number_as_written)
_Loader.add_constructor("tag:yaml.org,2002:float", _number_as_written)


def _line_by_line(source: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in source.splitlines():
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            continue
        found[match[1]] = _scalar(match[2])
    return found


def _scalar(text: str) -> Any:
    try:
        value = _plain(yaml.load(text, _Loader))
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return text
    # "Política: versão 2" is the title that broke the block, not a mapping.
    return text if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(str(_plain(item)) for item in value)
    if isinstance(value, dt.date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _reason(error: Exception) -> str:
    problem = getattr(error, "problem", None) or str(error).strip() or type(error).__name__
    mark = getattr(error, "problem_mark", None)
    # Line 1 of the block is line 2 of the file.
    return f"line {mark.line + 2}: {problem}" if mark else str(problem).splitlines()[0]
