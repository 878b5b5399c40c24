"""Shows fields as Word shows them: their result and not their instruction, and form fields by their state."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stagekit.processing.office.word.fields.equations import equation
from stagekit.processing.office.word.names import (
    Element,
    drop,
    is_on,
    local_name,
    new,
    text_run,
    value,
    w,
    whole,
)
from stagekit.processing.office.word.wrappers import CHECKED, UNCHECKED

_LONGEST_INSTRUCTION = 1000  # characters; those of which a text is shown are short
_DRAWN = ("sym", "pict", "object", "drawing")
_FIELD_PARTS = ("fldChar", "instrText")
_PAGE_NUMBER = re.compile(r"\s*(PAGE|NUMPAGES|SECTIONPAGES)\b", re.IGNORECASE)
_BUTTON = re.compile(r"\s*(?:MACROBUTTON|GOTOBUTTON)\s+\S+\s+(.*?)\s*$", re.DOTALL | re.IGNORECASE)
_SYMBOL = re.compile(r"\s*SYMBOL\s+(\S+)(.*)$", re.DOTALL | re.IGNORECASE)
_FONT = re.compile(r'\\f\s+(?:"([^"]+)"|(\S+))', re.IGNORECASE)


def is_page_number(instruction: str) -> bool:
    """Tell whether the instruction of a field asks for the number of a page, or of all pages."""
    return _PAGE_NUMBER.match(instruction[:_LONGEST_INSTRUCTION]) is not None


def show_simple_fields(root: Element) -> bool:
    """Write what simple fields of a part without a result show, and tell whether there were any."""
    found = False
    for simple in list(root.iter(w("fldSimple"))):
        drawn = next(simple.iter(w("t"), *map(w, _DRAWN)), None)
        instruction = (value(simple, "instr") or "")[:_LONGEST_INSTRUCTION]
        shown = _shown_by(instruction) if drawn is None else None
        if shown is not None:
            run = new("r")
            run.append(shown)
            simple.append(run)
            found = True
    return found


@dataclass
class _Field:
    """A field that has begun: its instruction so far, whether its result has begun, and has text."""

    begin: Element
    instruction: list[str] = field(default_factory=list)
    in_result: bool = False
    has_text: bool = False


def show_fields(root: Element, *, page_numbers: bool = True) -> bool:
    """Keep the results of complex fields in place, however they are nested, and tell whether there were any.

    Where the begins and ends of a part do not match, nothing but the instructions is taken away. The numbers
    of pages are kept if asked for.
    """
    marks = list(root.iter(w("fldChar")))
    if not marks and next(root.iter(w("instrText")), None) is None:
        return False
    kinds = [value(mark, "fldCharType") for mark in marks]
    hides = _balanced(kinds)
    open_fields = _OpenFields(page_numbers)
    for run in list(root.iter(w("r"))):
        for child in list(run):
            name = local_name(child)
            if name == "fldChar":
                open_fields.turn(child)
            elif name == "instrText":
                open_fields.instruct(child.text or "")
            elif hides and name != "rPr" and open_fields.instructing:
                run.remove(child)  # a result within an instruction, such as the name that an IF compares
            elif name in _DRAWN or (name == "t" and (child.text or "").strip()):
                open_fields.show()
            if name in _FIELD_PARTS:
                drop(child)
    return True


def _balanced(kinds: list[str | None]) -> bool:
    depth = 0
    for kind in kinds:
        depth += {"begin": 1, "end": -1}.get(kind or "", 0)
        if depth < 0:
            return False
    return depth == 0


class _OpenFields:
    """The fields that have begun and not ended, the innermost last."""

    def __init__(self, page_numbers: bool) -> None:
        self._page_numbers = page_numbers
        self._fields: list[_Field] = []
        self.instructing = 0  # how many of them have no result yet

    def turn(self, mark: Element) -> None:
        """Begin a field or its result, or end it; what it shows by itself is set before the mark."""
        kind = value(mark, "fldCharType")
        if kind == "begin":
            self._fields.append(_Field(mark))
            self.instructing += 1
        elif kind == "separate" and self._fields and not self._fields[-1].in_result:
            if self._page_numbers or not is_page_number("".join(self._fields[-1].instruction)):
                self._fields[-1].in_result = True
                self.instructing -= 1
        elif kind == "end" and self._fields:
            ended = self._fields.pop()
            self.instructing -= not ended.in_result
            shown = _shown(ended)
            if shown is not None and not self.instructing:
                run = mark.getparent()
                run.insert(run.index(mark), shown)
            if ended.has_text or shown is not None:
                self.show()

    def instruct(self, text: str) -> None:
        """Add a text to the instruction of the innermost field."""
        if self._fields:
            self._fields[-1].instruction.append(text)

    def show(self) -> None:
        """Note that the innermost field has a text in its result."""
        if self._fields:
            self._fields[-1].has_text = True


def _shown(ended: _Field) -> Element | None:
    """Return what a field shows that has no result of its own."""
    data = ended.begin.find(w("ffData"))
    if data is not None and data.find(w("checkBox")) is not None:
        return text_run(CHECKED if _is_checked(data.find(w("checkBox"))) else UNCHECKED)[0]
    if data is not None and data.find(w("ddList")) is not None and not ended.has_text:
        return text_run(_chosen_entry(data.find(w("ddList"))))[0]
    if ended.in_result and ended.has_text:
        return None
    return _shown_by("".join(ended.instruction)[:_LONGEST_INSTRUCTION])


def _shown_by(instruction: str) -> Element | None:
    """Return what Word makes of an instruction alone."""
    if button := _BUTTON.match(instruction):
        return text_run(button[1])[0]
    if symbol := _SYMBOL.match(instruction):
        return _symbol(symbol[1], symbol[2])
    text = equation(instruction)
    return text_run(text)[0] if text else None


def _is_checked(box: Element | None) -> bool:
    if box is None:
        return False
    checked = is_on(box.find(w("checked")))
    return bool(is_on(box.find(w("default"))) if checked is None else checked)


def _chosen_entry(choices: Element | None) -> str:
    if choices is None:
        return ""
    entries = [value(entry) or "" for entry in choices.findall(w("listEntry"))]
    chosen = whole(choices.find(w("result")))
    if chosen is None:
        chosen = whole(choices.find(w("default"))) or 0
    return entries[chosen] if 0 <= chosen < len(entries) else ""


def _symbol(code: str, switches: str) -> Element | None:
    try:
        number = int(code, 0)
    except ValueError:
        return None
    font = _FONT.search(switches)
    return new("sym", font=(font[1] or font[2]) if font else "", char=f"{number:04X}")
