"""Takes away what Word puts round text, cells, rows and tables; the text itself stays where it is."""

from __future__ import annotations

from lxml import etree

from stagekit.processing.office.word.names import (
    NAMESPACES,
    Element,
    drop,
    is_on,
    local_name,
    r,
    text_run,
    unwrap,
    value,
    w,
    w14,
)

CHECKED = "☑"
UNCHECKED = "☐"

_WRAPPERS = tuple(
    map(w, ("sdt", "smartTag", "customXml", "ins", "moveTo", "fldSimple", "bdo", "dir", "hyperlink", "ruby"))
)
# Elements that only mark a place: they hold no text, and would stand between two runs of one word.
_PLACES = tuple(
    map(w, (
        "proofErr", "permStart", "permEnd", "bookmarkStart", "bookmarkEnd", "moveFromRangeStart",
        "moveFromRangeEnd", "moveToRangeStart", "moveToRangeEnd", "commentRangeStart", "commentRangeEnd",
        "customXmlInsRangeStart", "customXmlInsRangeEnd", "customXmlDelRangeStart", "customXmlDelRangeEnd",
        "customXmlMoveFromRangeStart", "customXmlMoveFromRangeEnd", "customXmlMoveToRangeStart",
        "customXmlMoveToRangeEnd",
    ))
)  # fmt: skip
_MC = f"{{{NAMESPACES['mc']}}}"
# Word knows these namespaces, and shows a Choice that needs one of them in place of the Fallback.
_KNOWN_TO_WORD = ("http://schemas.microsoft.com/office/", "http://schemas.openxmlformats.org/")


def choose_alternatives(root: Element) -> bool:
    """Keep one form of what stands there twice, for new and for old readers; tell whether there was any."""
    found = list(root.iter(f"{_MC}AlternateContent"))
    for element in found:
        unwrap(element, _chosen(element))
    return bool(found)


def _chosen(element: Element) -> Element:
    choices = element.findall(f"{_MC}Choice")
    fallback = element.findall(f"{_MC}Fallback")
    known = [one for one in choices if _is_known(one)]
    return [*known, *fallback, *choices, etree.Element("none")][0]


def _is_known(choice: Element) -> bool:
    needed = (choice.nsmap.get(prefix) or "" for prefix in (choice.get("Requires") or "").split())
    return all(namespace.startswith(_KNOWN_TO_WORD) for namespace in needed)


def unwrap_all(root: Element) -> bool:
    """Unwrap text, cells, rows and tables in place, at every level, and tell whether there was any wrapper.

    A box to tick becomes a sign in the text; the prompt of an empty control goes; the heading of a contents
    list is a heading no longer.
    """
    found = False
    for element in list(root.iter(*_WRAPPERS)):
        name = local_name(element)
        if name == "hyperlink" and element.get(r("id")):
            continue
        if name in ("ins", "moveTo") and local_name(element.getparent()) in ("rPr", "trPr"):
            continue  # the mark of an inserted paragraph or row
        found = True
        if name == "sdt":
            _unwrap_control(element)
        elif name == "ruby":
            _unwrap_ruby(element)
        else:
            _drop_properties(element)
            unwrap(element)
    places = list(root.iter(*_PLACES))
    for element in places:
        drop(element)
    return found


def _drop_properties(element: Element) -> None:
    for child in list(element):
        if local_name(child).endswith("Pr") and local_name(child) not in ("rPr", "pPr"):
            element.remove(child)


def _unwrap_control(control: Element) -> None:
    properties, content = control.find(w("sdtPr")), control.find(w("sdtContent"))
    if content is None:
        drop(control)
        return
    if properties is not None and is_on(properties.find(w("showingPlcHdr"))):
        for run in list(content.iter(w("r"))):
            drop(run)  # the prompt of a control that nobody has filled in
    box = None if properties is None else properties.find(w14("checkbox"))
    if box is not None:
        _write_box(content, box)
    gallery = None if properties is None else properties.find(f"{w('docPartObj')}/{w('docPartGallery')}")
    if (value(gallery) or "").lower() == "table of contents":
        for style in list(content.iter(w("pStyle"))):
            drop(style)
    unwrap(control, content)


def _write_box(content: Element, box: Element) -> None:
    checked = box.find(w14("checked"))
    on = checked is not None and checked.get(w14("val"), "1") in ("1", "true", "on")
    texts = list(content.iter(w("t"), w("sym")))
    sign = text_run(CHECKED if on else UNCHECKED)
    if texts:
        run = texts[0].getparent()
        for other in texts[1:]:
            drop(other)
        run.replace(texts[0], sign[0])
        for fonts in list(run.iter(w("rFonts"))):
            drop(fonts)  # the sign is no letter of a font of symbols
    else:
        paragraph = next(content.iter(w("p")), content)
        paragraph.append(sign)


def _unwrap_ruby(ruby: Element) -> None:
    """Write a reading that stands above a text behind it, in brackets."""
    base, reading = ruby.find(w("rubyBase")), ruby.find(w("rt"))
    run = ruby.getparent()
    parent = None if run is None else run.getparent()
    if run is None or parent is None:
        return
    runs = [] if base is None else list(base)
    above = "" if reading is None else "".join(one.text or "" for one in reading.iter(w("t")))
    if above.strip():
        runs.append(text_run(f" ({above.strip()})"))
    place = parent.index(run) + 1
    parent[place:place] = runs
    run.remove(ruby)
