"""Fields of a Word document: which are open, and what one shows by its instruction (ECMA-376, 17.16)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stagekit.conservation.sources.package import Element, attribute, local_name

_PAGE_FIELDS = {"PAGE", "NUMPAGES", "SECTIONPAGES"}


@dataclass
class OpenField:
    """A complex field that is open: its instruction so far, and whether its result has begun."""

    instruction: str = ""
    in_result: bool = False
    has_text: bool = False
    choice: str = ""


def is_page_number(instruction: str) -> bool:
    """Whether a field shows a number of pages."""
    return (instruction.split() or [""])[0].upper() in _PAGE_FIELDS


def equation(instruction: str) -> str:
    """Return the arguments of an EQ field, which is drawn from its instruction; empty for other fields."""
    found = re.match(r"\s*EQ\b(.*)", instruction, re.IGNORECASE | re.DOTALL)
    return re.sub(r"\\[A-Za-z]+\d*", " ", found[1]) if found else ""


def chosen_entry(mark: Element) -> str:
    """Return the entry that a drop-down field of a form shows."""
    for choice in (found for found in mark.iter() if local_name(found.tag) == "ddList"):
        said = [(local_name(child.tag), attribute(child, "val") or "") for child in choice]
        entries = [value for name, value in said if name == "listEntry"]
        results = dict(said)
        number = results.get("result", results.get("default", "0"))
        if number.isdigit() and int(number) < len(entries):
            return entries[int(number)]
    return ""
