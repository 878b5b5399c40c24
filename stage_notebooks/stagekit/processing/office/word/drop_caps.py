"""Joins an initial that is set large over several lines with the paragraph that it begins."""

from __future__ import annotations

from stagekit.processing.office.word.names import Element, drop, local_name, value, w

_INITIAL = ("drop", "margin")
_BETWEEN = ("bookmarkStart", "bookmarkEnd", "proofErr", "permStart", "permEnd")  # marks without text


def join_drop_caps(root: Element) -> bool:
    """Move each drop cap, a paragraph of its own to Word, into the next one, and tell if there were any."""
    changed = False
    for frame in list(root.iter(w("framePr"))):
        initial = next(frame.iterancestors(w("p")), None)
        if initial is None or value(frame, "dropCap") not in _INITIAL:
            continue
        following = _paragraph_behind(initial)
        if following is None:
            continue
        place = 0 if following.find(w("pPr")) is None else 1
        following[place:place] = [child for child in initial if child.tag != w("pPr")]
        drop(initial)
        changed = True
    return changed


def _paragraph_behind(initial: Element) -> Element | None:
    behind = initial.getnext()
    while behind is not None and local_name(behind) in _BETWEEN:
        behind = behind.getnext()
    return behind if behind is not None and behind.tag == w("p") else None
