"""Takes away text that Word shows and nobody sees: in the colour of what it stands on, or without size."""

from __future__ import annotations

from stagekit.processing.office.word.names import (
    Element,
    drop,
    local_name,
    text_of,
    value,
    w,
    whole,
)
from stagekit.processing.office.word.styles import Styles

_WHITE = "FFFFFF"
_SMALLEST = 2  # half points; letters of one point are a line to the eye
_NEAR = 8  # of 255; the colours of a theme are rounded
_HIGHLIGHTS = {
    "black": "000000", "blue": "0000FF", "cyan": "00FFFF", "green": "00FF00", "magenta": "FF00FF",
    "red": "FF0000", "yellow": "FFFF00", "white": _WHITE, "darkBlue": "000080", "darkCyan": "008080",
    "darkGreen": "008000", "darkMagenta": "800080", "darkRed": "800000", "darkYellow": "808000",
    "darkGray": "808080", "lightGray": "C0C0C0",
}  # fmt: skip


def drop_unseen(root: Element, styles: Styles) -> list[str]:
    """Take the text that nobody sees out of a part, and return its passages.

    Where something unknown may lie behind the letters (a picture, a shape, a table whose style shades it),
    they stay.
    """
    coloured = next(root.iter(w("color"), w("sz")), None) is not None or styles.mentions("color", "sz")
    if not coloured:
        return []
    floating = any(local_name(one) in ("anchor", "pict", "background") for one in root.iter())
    passages: list[str] = []
    last: Element | None = None
    for run in list(root.iter(w("r"))):
        text = text_of(run)
        if not text.strip() or not _is_unseen(run, styles, floating):
            continue
        if last is not None and run.getprevious() is last:
            passages[-1] += text
        else:
            passages.append(text)
        last = run
        _empty(run)
    return [" ".join(passage.split()) for passage in passages]


def _empty(run: Element) -> None:
    for child in [child for child in run if local_name(child) in ("t", "tab", "noBreakHyphen", "sym")]:
        drop(child)


def _is_unseen(run: Element, styles: Styles, floating: bool) -> bool:
    size = whole(styles.run_property(run, "sz"))
    if size is not None and size <= _SMALLEST:
        return True
    ink = _rgb(value(styles.run_property(run, "color")))
    if ink is None:
        return False
    ground = _ground(run, styles, floating)
    return ground is not None and max(abs(a - b) for a, b in zip(ink, ground, strict=True)) <= _NEAR


def _ground(run: Element, styles: Styles, floating: bool) -> tuple[int, ...] | None:
    """Return the colour behind the letters of a run; None where it is not known."""
    highlight = value(styles.run_property(run, "highlight"))
    if highlight in _HIGHLIGHTS:
        return _rgb(_HIGHLIGHTS[highlight])
    paragraph = next(run.iterancestors(w("p")), None)
    shadings = [styles.run_property(run, "shd")]
    for place in run.iterancestors():
        if local_name(place) == "txbxContent":
            return None
        properties = (
            place.find(w(f"{local_name(place)}Pr")) if local_name(place) in ("p", "tc", "tbl") else None
        )
        if properties is not None:
            shadings.append(properties.find(w("shd")))
    chain = styles.chain(styles.paragraph_style(paragraph))
    shadings += [style.find(f"{w('pPr')}/{w('shd')}") for style in chain]
    for shading in shadings:
        plain = value(shading) in (None, "clear", "nil")
        fill = value(shading, "fill") or "auto"
        if not plain or fill != "auto":
            return _rgb(fill) if plain else None
    if floating or _has_shaded_table(run, styles):
        return None
    return _rgb(_WHITE)


def _has_shaded_table(run: Element, styles: Styles) -> bool:
    """Tell whether a style shades some table round a run."""
    named = (value(table.find(f"{w('tblPr')}/{w('tblStyle')}")) for table in run.iterancestors(w("tbl")))
    chains = (styles.chain(name) for name in named if name)
    return any(next(style.iter(w("shd")), None) is not None for chain in chains for style in chain)


def _rgb(text: str | None) -> tuple[int, ...] | None:
    if text is None or len(text) != 6:
        return None
    try:
        return tuple(bytes.fromhex(text))
    except ValueError:
        return None
