"""Front matter of Markdown files, read safely (anyone may have written it) and as GitLab reads it.

GitLab takes a block at the top of a file for front matter: YAML between lines ``---``, TOML between ``+++``,
JSON between ``;;;``, or any of them behind ``---yaml``, ``---toml``, ``---json``; blank lines and one line
with ``coding:`` may stand before it. A rule ``---`` looks the same, so that what stands between two of them
has to look like metadata; anything else is text, of which nothing may be lost.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from stagekit.declared.keys import FRONT_MATTER_KEYS, SUPERSEDING_KEYS, fold_key, status_key

_OPENING = re.compile(
    r"\A(?:[^\r\n]*coding:[^\r\n]*\n)?\s*^(?P<mark>---|\+\+\+|;;;)[ \t]*(?P<language>\w*)[ \t]*\n",
    re.MULTILINE,
)
_CLOSING: Final = {"---": r"^(?:---|\.\.\.)", "+++": r"^\+\+\+", ";;;": r"^;;;"}
_LANGUAGE: Final = {"---": "yaml", "+++": "toml", ";;;": "json"}
_LANGUAGES: Final = {"yaml": "yaml", "yml": "yaml", "toml": "toml", "json": "json"}
_SIGN: Final = {"yaml": ":", "json": ":", "toml": "="}
_MAX_CHARACTERS: Final = 64 * 1024  # a block longer than this is no metadata, and parsing it may take minutes
_LONGEST_KEY: Final = 40
_MOST_WORDS: Final = 5
_KNOWN: Final = frozenset({
    *(key for keys in FRONT_MATTER_KEYS.values() for key in keys),
    *SUPERSEDING_KEYS,
    "draft", "published", "layout", "slug", "rascunho", "publicado", "borrador",
})  # fmt: skip


@dataclass(frozen=True)
class FrontMatter:
    """A Markdown text, taken apart.

    Attributes:
        values: what the block says, as plain JSON: dates as ISO 8601 strings; a number whose text is not its
            own canonical form, such as ``1.10`` or ``007``, stays text.
        body: the text behind the block, the whole text where there is none.
        fault: why a block that is metadata cannot be read, with its line in the file; None where it can.
        repeated: keys and values that a later line of the block says otherwise.
    """

    values: dict[str, Any]
    body: str
    fault: str | None = None
    repeated: list[tuple[str, Any]] = field(default_factory=list)


def split_front_matter(text: str) -> FrontMatter:
    """Take a decoded Markdown text apart; a byte order mark and either kind of line end are accepted."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    opening = _OPENING.match(plain)
    language = opening and (
        _LANGUAGES.get(opening["language"].lower()) if opening["language"] else _LANGUAGE[opening["mark"]]
    )
    if not opening or not language:
        return FrontMatter({}, text)
    first_line = plain.count("\n", 0, opening.end()) + 1
    closing = re.compile(_CLOSING[opening["mark"]] + r"[ \t]*(?:\n|\Z)", re.MULTILINE).search(
        plain, opening.end()
    )
    if closing is None:
        return _never_closed(text, plain[opening.end() :], first_line - 1, language)
    source, body = plain[opening.end() : closing.start()], plain[closing.end() :]
    if not source.strip():
        return FrontMatter({}, body)
    if len(source) > _MAX_CHARACTERS:
        if not _lines_of_metadata(source, language):
            return FrontMatter({}, text)
        return FrontMatter({}, body, f"line {first_line}: it is longer than {_MAX_CHARACTERS} characters")
    try:
        values, repeated = _PARSERS[language](source)
    except _Unreadable as error:
        if not _lines_of_metadata(source, language):
            return FrontMatter({}, text)
        return FrontMatter({}, body, f"line {first_line + error.line}: {error.problem}")
    if values is None or not _keys_of_metadata(values, source):
        return FrontMatter({}, text)  # two thematic breaks with prose between them
    return FrontMatter(values, body, None, repeated)


class _Unreadable(Exception):  # noqa: N818 - a verdict
    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line  # of the block, from 0
        self.problem = problem


def _never_closed(text: str, rest: str, line: int, language: str) -> FrontMatter:
    """A paragraph of `key: value` lines with a known key, and no closing mark: somebody forgot it."""
    start = re.split(r"\n[ \t]*\n", rest, maxsplit=1)[0][:_MAX_CHARACTERS]
    if _lines_of_metadata(start, language) and _holds_known(_keys_of_lines(start, language)):
        return FrontMatter({}, rest, f"line {line}: it begins here and is never closed")
    return FrontMatter({}, text)


def _lines_of_metadata(source: str, language: str) -> bool:
    """Tell whether most lines are `key: value`; indented lines and list items belong to the one before."""
    if language == "json":
        return source.lstrip().startswith("{")
    own = [line for line in source.splitlines() if line.strip() and not re.match(r"\s|-\s|#|[\]\[{}]", line)]
    keys = list(_keys_of_lines("\n".join(own), language))
    return 2 * len(keys) > len(own) and (not _has_paragraphs(source) or _holds_known(keys))


def _keys_of_lines(source: str, language: str) -> Iterable[str]:
    for line in source.splitlines():
        key, sign, value = line.partition(_SIGN[language])
        bare = key.strip().strip("\"'")
        # "10:30" and "https://…" are no keys
        if sign and _is_key(bare) and (not value or value[0].isspace() or language != "yaml"):
            yield bare


def _keys_of_metadata(values: dict[str, Any], source: str) -> bool:
    """Tell whether a mapping is metadata, and not prose with colons that happens to be YAML."""
    if source.lstrip().startswith("{"):
        return True
    enough = 2 * sum(map(_is_key, values)) > len(values)
    return enough and (not _has_paragraphs(source) or _holds_known(values))


def _has_paragraphs(source: str) -> bool:
    """Tell whether there are headings, or paragraphs with empty lines between them.

    Of the remarks of YAML only the licence tags of SPDX are known from headings.
    """
    return bool(re.search(r"^#{1,6} (?!SPDX-)|\S[ \t]*\n[ \t]*\n+(?=[^\s#])", source, re.MULTILINE))


def _holds_known(keys: Iterable[str]) -> bool:
    return any(fold_key(key) in _KNOWN or status_key(key) for key in keys)


def _is_key(text: str) -> bool:
    """Tell a name, such as ``Data de aprovação`` or ``dc:title``, from the beginning of a sentence."""
    named = re.fullmatch(r"[^\W_][\w .:/()ªº°-]*|[\w-]+", text)
    return bool(
        named
        and len(text) <= _LONGEST_KEY
        and len(text.split()) <= _MOST_WORDS
        and not re.search(r"[.:] ", text)
    )


def _parse_yaml(source: str) -> tuple[dict[str, Any] | None, list[tuple[str, Any]]]:
    loader = None
    try:
        loader = _Loader(source)
        value = loader.get_single_data()
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line if mark else getattr(loader, "line", 0)
        raise _Unreadable(line, f"it is not valid YAML ({_reason(error)})") from None
    finally:
        if loader is not None:
            loader.dispose()
    if value is None:
        return ({} if not re.search(r"^#{1,6} ", source, re.MULTILINE) else None), []
    if not isinstance(value, dict):
        return None, []
    return _plain(value), [(str(name), _plain(item)) for name, item in loader.repeated]


def _parse_toml(source: str) -> tuple[dict[str, Any] | None, list[tuple[str, Any]]]:
    try:
        return _plain(tomllib.loads(source)), []
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        said = str(error) or "nested too deeply"
        found = re.search(r"line (\d+)", said)
        problem = re.sub(r" \(at .*\)", "", said)
        raise _Unreadable(int(found[1]) - 1 if found else 0, f"it is not valid TOML ({problem})") from None


def _parse_json(source: str) -> tuple[dict[str, Any] | None, list[tuple[str, Any]]]:
    repeated: list[tuple[str, Any]] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        last = dict(pairs)
        repeated.extend((name, value) for name, value in pairs if last[name] != value)
        return last

    try:
        value = json.loads(source, object_pairs_hook=collect, parse_constant=str)
    except json.JSONDecodeError as error:
        raise _Unreadable(error.lineno - 1, f"it is not valid JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise _Unreadable(0, "it is not valid JSON (nested too deeply, or a number too long)") from None
    return (value if isinstance(value, dict) else None), repeated


_Parser = Callable[[str], tuple[dict[str, Any] | None, list[tuple[str, Any]]]]
_PARSERS: Final[dict[str, _Parser]] = {"yaml": _parse_yaml, "toml": _parse_toml, "json": _parse_json}


class _Loader(yaml.SafeLoader):
    """YAML for strangers: aliases (which can multiply a small text to gigabytes) are refused."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.repeated: list[tuple[Any, Any]] = []
        self._root: yaml.Node | None = None

    def get_single_node(self) -> yaml.Node | None:
        self._root = super().get_single_node()
        return self._root

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="it uses an alias", problem_mark=self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        values = super().construct_mapping(node, deep=deep)
        # YAML forbids a key twice, the parser takes the last.
        for key, value in node.value if node is self._root else ():
            if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode):
                name, said = self.construct_object(key), self.construct_object(value)
                if name in values and values[name] != said:
                    self.repeated.append((name, said))
        return values


def _number_as_written(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    integer = node.tag.endswith(":int")
    value = loader.construct_yaml_int(node) if integer else loader.construct_yaml_float(node)
    return value if str(value) == node.value else node.value


_Loader.add_constructor("tag:yaml.org,2002:int", _number_as_written)
_Loader.add_constructor("tag:yaml.org,2002:float", _number_as_written)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(str(_plain(item)) for item in value)
    if isinstance(value, dt.date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def _reason(error: Exception) -> str:
    problem = getattr(error, "problem", None) or str(error).strip() or type(error).__name__
    return str(problem).splitlines()[0]
