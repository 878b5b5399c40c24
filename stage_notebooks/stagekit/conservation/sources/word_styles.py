"""How text of a Word document looks: hidden, struck, in a font of symbols (ECMA-376, 17.3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stagekit.conservation.sources.package import Element, attribute, is_on, local_name
from stagekit.conservation.words import SYMBOL_FONTS

Look = Mapping[str, bool]
LOOKS = {"vanish", "strike", "dstrike"}


def is_symbol_font(fonts: Element) -> bool:
    """Whether the letters of a run are written in a font of symbols."""
    name = attribute(fonts, "ascii") or attribute(fonts, "hAnsi") or ""
    return name.strip().lower() in SYMBOL_FONTS


def looks_of_styles(root: Element | None) -> dict[str, dict[str, bool]]:
    """Return for each style whether its text is hidden or struck, by its own word or what it is based on."""
    own: dict[str, dict[str, bool]] = {}
    based: dict[str, str] = {}
    for style in root if root is not None else ():
        name = attribute(style, "styleId") or ""
        own[name] = {
            local_name(said.tag): is_on(said)
            for said in properties_of(style, "rPr")
            if local_name(said.tag) in LOOKS
        }
        for fonts in (said for said in properties_of(style, "rPr") if local_name(said.tag) == "rFonts"):
            own[name]["symbols"] = is_symbol_font(fonts)
        for child in style:
            if local_name(child.tag) == "basedOn":
                based[name] = attribute(child, "val") or ""
    return {name: _inherited(name, own, based) for name in own}


def _inherited(name: str, own: Mapping[str, Look], based: Mapping[str, str]) -> dict[str, bool]:
    line = [name]
    while (parent := based.get(line[-1], "")) in own and parent not in line:
        line.append(parent)
    found: dict[str, bool] = {}
    for style in reversed(line):
        found |= own[style]
    return found


def properties_of(element: Element, kind: str) -> Iterator[Element]:
    """Yield what an element of properties says, `rPr` for example."""
    for child in element:
        if local_name(child.tag) == kind:
            yield from child
