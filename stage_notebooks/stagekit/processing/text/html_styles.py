"""Reads of a page's style sheets what hides text from its reader, strikes it through, or numbers a list.

Selectors of names, classes and ids, nested by blank or `>`, are understood; a rule with any other selector
(`:hover`, `[data-x]`) or for another medium (print, narrow screens) says nothing about the text as it is
read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tinycss2

_WATCHED = frozenset({
    "background", "background-color", "background-image", "color", "display", "font", "font-family",
    "font-size", "font-weight", "left", "list-style", "list-style-type", "opacity", "text-decoration",
    "text-decoration-line", "text-indent", "top", "visibility",
})  # fmt: skip
_COMPOUND = re.compile(r"(?P<tag>[\w-]+|\*)?(?P<marks>(?:[.#][\w-]+)*)")
_OTHER_MEDIA = re.compile(r"\(|print|speech|not\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Compound:
    """A name with its classes and ids; `child` says that it stands directly in the compound before it."""

    tag: str
    classes: frozenset[str]
    ids: frozenset[str]
    child: bool

    def matches(self, element: Any) -> bool:
        return (
            self.tag in ("", "*", element.tag)
            and self.classes <= set((element.get("class") or "").split())
            and self.ids <= {element.get("id")}
        )


@dataclass(frozen=True)
class _Rule:
    compounds: tuple[_Compound, ...]
    weight: tuple[bool, int, int, int, int]  # important, ids, classes, names, order in the sheets
    name: str
    value: str

    def matches(self, element: Any) -> bool:
        return self.compounds[-1].matches(element) and _above(self.compounds, element)


class Styles:
    """The rules of a page's style sheets that say how its text is shown."""

    def __init__(self, sheets: Iterable[str]) -> None:
        self._rules: dict[str, list[_Rule]] = defaultdict(list)
        order = 0
        for sheet in sheets:
            parsed = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
            for prelude, content in _style_rules(parsed):
                declared = list(_declarations(content))
                for selector in prelude.split(",") if declared else ():
                    compounds = _compounds(selector)
                    for name, value, important in declared if compounds else ():
                        order += 1
                        rule = _Rule(compounds, (important, *_specificity(compounds), order), name, value)
                        self._rules[_key(compounds[-1])].append(rule)

    def declared(self, element: Any) -> dict[str, str]:
        """Return what is declared for an element itself, also in its `style` attribute, by property."""
        keys = [f".{name}" for name in (element.get("class") or "").split()]
        keys += [f"#{element.get('id')}", element.tag, "*"]
        rules = [rule for key in keys for rule in self._rules.get(key, ()) if rule.matches(element)]
        found = {rule.name: rule.value for rule in sorted(rules, key=lambda rule: rule.weight)}
        important = {rule.name for rule in rules if rule.weight[0]}
        own = _declarations(element.get("style") or "")
        return found | {name: value for name, value, wins in own if wins or name not in important}


def _above(compounds: Sequence[_Compound], element: Any) -> bool:
    """Tell whether the elements around one are those that its selector wants."""
    for place in range(len(compounds) - 1, 0, -1):
        outer, directly = compounds[place - 1], compounds[place].child
        element = element.getparent()
        while element is not None and not outer.matches(element):
            element = None if directly else element.getparent()
        if element is None:
            return False
    return True


def _style_rules(rules: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for rule in rules:
        if rule.type == "qualified-rule":
            yield tinycss2.serialize(rule.prelude), rule.content
        elif _applies(rule):
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            yield from _style_rules(inner)


def _applies(rule: Any) -> bool:
    if rule.type != "at-rule" or rule.lower_at_keyword not in ("media", "supports", "layer"):
        return False
    return bool(rule.content) and not _OTHER_MEDIA.search(tinycss2.serialize(rule.prelude))


def _declarations(content: Any) -> Iterator[tuple[str, str, bool]]:
    parsed = tinycss2.parse_declaration_list(content, skip_comments=True, skip_whitespace=True)
    for declaration in parsed:
        if declaration.type == "declaration" and declaration.lower_name in _WATCHED:
            value = tinycss2.serialize(declaration.value).strip().lower()
            yield declaration.lower_name, value, declaration.important


def _compounds(selector: str) -> tuple[_Compound, ...]:
    """Return a selector's compounds, outermost first; none where it has a part that is not understood."""
    compounds = []
    child = False
    for part in re.sub(r"\s*>\s*", " > ", selector.strip()).split():
        if part == ">":
            child = True
            continue
        found = _COMPOUND.fullmatch(part)
        if found is None:
            return ()
        marks = re.findall(r"[.#][\w-]+", found["marks"])
        classes = frozenset(mark[1:] for mark in marks if mark[0] == ".")
        ids = frozenset(mark[1:] for mark in marks if mark[0] == "#")
        compounds.append(_Compound((found["tag"] or "").lower(), classes, ids, child))
        child = False
    return tuple(compounds)


def _specificity(compounds: Sequence[_Compound]) -> tuple[int, int, int]:
    return (
        sum(len(compound.ids) for compound in compounds),
        sum(len(compound.classes) for compound in compounds),
        sum(compound.tag not in ("", "*") for compound in compounds),
    )


def _key(compound: _Compound) -> str:
    if compound.ids:
        return f"#{min(compound.ids)}"
    return f".{min(compound.classes)}" if compound.classes else compound.tag or "*"
