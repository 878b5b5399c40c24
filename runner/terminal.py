"""The one door through which text reaches a terminal: what would command it is shown, not sent.

File names, titles and messages come from strangers. An escape sequence in one of them could recolor a screen,
rename its window, hide a line, or answer a question in the user's place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from stagekit.base.redaction import Redactor, secret_values

# C0 without tab and line feed, DEL and C1 (ECMA-48); line and paragraph separators; Unicode's bidirectional
# controls (UAX 9), which make a name look like another one; halves of surrogate pairs, which nobody takes.
_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_WORD = re.compile(r"\S*(?:\n|[^\S\n]+\n?)|\S+")
_PICTURES = 0x2400  # U+2400 to U+241F stand for C0, one for one


def visible(text: str) -> str:
    """Return the text with a visible sign for each character that commands a terminal."""
    return _COMMANDS.sub(_sign, text)


def json_line(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON that is safe to print: what commands a terminal is escaped, as JSON allows.

    Args:
        value: what ``json.dumps`` takes; everything else becomes its text.
        indent: as in ``json.dumps``.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(console: Console, sentence: str, style: str = "", *, whole: bool = False) -> None:
    """Print a sentence as it is: nothing in it is markup, and no part gets a color of its own.

    Args:
        console: to print to.
        sentence: one line, however long; a screen breaks it between words.
        style: of rich, for all of it.
        whole: no screen breaks it, as a path that is to be copied.
    """
    console.print(Text(sentence, style=style), soft_wrap=True, no_wrap=whole or None)


class TerminalConsole(Console):
    """A console that shows control characters of whatever it prints, and hides secrets.

    A sentence that is printed with ``soft_wrap`` stays one line in a file or a mail; on a screen it is broken
    between words, unless it has ``no_wrap``, as a path has that is to be copied.

    Its own commands (colors, cursor) still work. A secret that a table breaks into lines is not found. Titles
    and paths are printed here: passwords of PDFs stay, see :mod:`stagekit.base.redaction`.
    """

    @cached_property
    def _redact(self) -> Redactor:
        return Redactor(secret_values(pdf_passwords=False))

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does, but break no word of a sentence at the edge of a screen."""
        if options.get("soft_wrap") and self.is_terminal and not options.get("no_wrap"):
            styling = {name: options[name] for name in ("markup", "highlight") if name in options}
            objects = tuple(
                _between_words(self.render_str(one, **styling) if isinstance(one, str) else one, self.width)
                for one in objects
            )
        super().print(*objects, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, with their texts made harmless."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else visible(self._redact(segment.text))
            yield segment if text == segment.text else Segment(text, segment.style)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _between_words(text: Any, width: int) -> Any:
    """Return a text in lines of a width, longer words whole; what is no text as it is."""
    if not isinstance(text, Text):
        return text
    breaks, column = [], 0
    for word in _WORD.finditer(text.plain):
        if column and column + cell_len(word[0].rstrip()) > width:
            breaks.append(word.start())
            column = 0
        column = 0 if word[0].endswith("\n") else column + cell_len(word[0])
    lines = text.divide(breaks)
    for line in lines[:-1]:
        line.rstrip()
    return Text("\n").join(lines)
