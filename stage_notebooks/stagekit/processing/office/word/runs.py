"""Writes the runs of a paragraph so that Docling joins them to the words that Word shows."""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import islice

from stagekit.processing.office.struck_texts import enclose
from stagekit.processing.office.word.marks import has_marks, without_marks
from stagekit.processing.office.word.names import (
    Element,
    drop,
    drop_paragraph,
    is_on,
    local_name,
    own_paragraphs,
    text_of,
    text_run,
    unwrap,
    value,
    w,
)
from stagekit.processing.office.word.styles import Styles, fonts_of
from stagekit.processing.office.word.symbol_fonts import symbol

_FORMATS = ("rStyle", "b", "i", "u", "vertAlign")  # what makes Docling divide a paragraph
_NEAR = 8  # runs without text that may stand between a number and what is raised behind it
_CLOSING = ".,;:!?)]"
_PRIVATE = re.compile("[\uf000-\uf0ff]")
_ORDINALS = {"o": "º", "a": "ª", "O": "º", "A": "ª"}
_RAISED_DIGITS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_BEFORE_ORDINAL = re.compile(r"(?:\d|(?<![^\W\d_])[nN]|§)\.?$")


def drop_hidden(root: Element, styles: Styles) -> int:
    """Take away text and rows that Word does not show, and return the number of their words.

    A paragraph goes with its text where its mark is hidden too.
    """
    words = 0
    for mark in list(root.iter(w("hidden"))):
        row = next(mark.iterancestors(w("tr")), None)
        if row is not None and is_on(mark):
            words += sum(len(text_of(paragraph).split()) for paragraph in own_paragraphs(row))
            drop(row)
    if next(root.iter(w("vanish")), None) is None and not styles.mentions("vanish"):
        return words
    for run in list(root.iter(w("r"))):
        if styles.run_is(run, "vanish"):
            words += len(text_of(run).split())
            drop(run)
    for paragraph in own_paragraphs(root):
        mark = paragraph.find(f"{w('pPr')}/{w('rPr')}")
        hidden = mark is not None and is_on(mark.find(w("vanish"))) and mark.find(w("specVanish")) is None
        if hidden and not text_of(paragraph) and next(paragraph.iter("{*}oMath"), None) is None:
            drop_paragraph(paragraph)
    for mark in list(root.iter(w("vanish"))):
        drop(mark)
    return words


def write_symbols(root: Element, styles: Styles) -> tuple[bool, set[str]]:
    """Write the characters of symbol fonts in Unicode.

    Returns:
        Whether there were any, and the fonts of which a character is unknown.
    """
    changed, unknown = False, set()
    for sign in list(root.iter(w("sym"))):
        font = value(sign, "font") or ""
        code = int(value(sign, "char") or "0", 16) if _is_hex(value(sign, "char")) else 0
        found = symbol(font, code)
        if found is None and not 0xE000 <= code <= 0xF8FF and code >= 0x20:
            found = chr(code)  # a common font: the code is Unicode
        if not found:
            unknown.add(font)
        sign.getparent().replace(sign, text_run(found or "")[0])
        changed = True
    named = any(symbol(font, ord(" ")) is not None for font in styles.fonts() | fonts_of(root))
    for text in root.iter(w("t")):
        if named or _PRIVATE.search(text.text or ""):
            changed |= _write_symbols_of_run(text, styles, unknown)
    return changed, unknown


def _write_symbols_of_run(text: Element, styles: Styles, unknown: set[str]) -> bool:
    run, content = text.getparent(), text.text or ""
    if local_name(run) != "r" or not content.strip():
        return False
    private = _PRIVATE.search(content) is not None
    fonts = styles.run_property(run, "rFonts")
    font = value(fonts, "ascii") or value(fonts, "hAnsi") or ""
    if symbol(font, 0x20) is None:
        # Word shows private characters in the font Symbol where their own font is a common one.
        if not private:
            return False
        font = "Symbol"
    written = ""
    for char in content:
        found = symbol(font, ord(char)) if private or ord(char) < 0x100 else char
        if not found and not char.isspace():
            unknown.add(font)
        written += found if found else ""
    text.text = written
    return True


def _is_hex(text: str | None) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f]{1,6}", text or "") is not None


def mark_struck(root: Element, styles: Styles) -> bool:
    """Write `~~` round struck text, and tell whether there was any."""
    named = ("strike", "dstrike")
    if next(root.iter(*map(w, named)), None) is None and not styles.mentions(*named):
        return False
    changed = False
    for paragraph in own_paragraphs(root):
        struck: list[Element] = []
        for run in paragraph.findall(f".//{w('r')}"):
            if next(run.iterancestors(w("p")), None) is not paragraph:
                continue
            if _is_struck(run, styles):
                changed = True
                struck.append(run)
            elif text_of(run).strip():
                _enclose(struck)
                struck = []
        _enclose(struck)
    for mark in list(root.iter(*map(w, named))):
        drop(mark)
    return changed


def _is_struck(run: Element, styles: Styles) -> bool:
    if not text_of(run):
        return False
    return styles.run_is(run, "strike") or bool(is_on(styles.run_property(run, "dstrike")))


def _enclose(runs: list[Element]) -> None:
    enclose([text for run in runs for text in run.findall(w("t"))])


def raise_ordinals(root: Element) -> bool:
    """Write a raised o or a behind a number as º or ª, and a raised digit behind a digit as such."""
    changed = False
    for raised in list(root.iter(w("vertAlign"))):
        run = raised.getparent().getparent()
        if value(raised) != "superscript" or local_name(run) != "r":
            continue
        text, before = text_of(run), _text_before(run)
        written = None
        if text.strip() in _ORDINALS and _BEFORE_ORDINAL.search(before):
            written = text.replace(text.strip(), _ORDINALS[text.strip()])
        elif before[-1:].isdigit() and re.fullmatch(r"[-+−]?\d+\s*", text):
            written = text.translate(_RAISED_DIGITS)
        if written is not None:
            _set_text(run, written)
            changed = True
    return changed


def _text_before(run: Element) -> str:
    for before in islice(run.itersiblings(preceding=True), _NEAR):
        if before.tag != w("r"):
            break
        if text := text_of(before):
            return text
    return ""


def _set_text(run: Element, text: str) -> None:
    for child in [child for child in run if child.tag != w("rPr")]:
        run.remove(child)
    run.append(text_run(text)[0])


def drop_marks(root: Element) -> bool:
    """Take the signs of :mod:`.marks` out of a text that holds them itself, and tell whether one did."""
    found = [text for text in root.iter(w("t")) if text.text and has_marks(text.text)]
    for text in found:
        text.text = without_marks(text.text)
    return bool(found)


def join_words(root: Element) -> bool:
    """Give runs that touch without a blank between them one format, and tell whether any were changed.

    Docling makes a part of each format and loses the blanks at the ends of the parts: a change of format at
    a blank is one between words, any other would divide a word.
    """
    changed = False
    for hyphen in list(root.iter(w("noBreakHyphen"))):
        hyphen.getparent().replace(hyphen, text_run("-")[0])
        changed = True
    for mark in list(root.iter(w("br"))):
        if value(mark, "type") in ("page", "column"):  # the words on both sides stand apart
            mark.attrib.pop(w("type"))
            changed = True
    for link in list(root.iter(w("hyperlink"))):
        if _touches_text(link):
            unwrap(link)
            changed = True
    for paragraph in {_paragraph_of(mark) for mark in root.iter(*map(w, _FORMATS))} - {None}:
        changed |= _equalise(paragraph)
    return changed


def _paragraph_of(mark: Element) -> Element | None:
    return next(mark.iterancestors(w("p")), None)


def _touches_text(link: Element) -> bool:
    own = text_of(link)
    before, after = link.getprevious(), link.getnext()
    left = text_of(before)[-1:] if before is not None else ""
    right = text_of(after)[:1] if after is not None else ""
    starts_inside = bool(left.strip()) and bool(own[:1].strip())
    ends_inside = bool(right.strip()) and bool(own[-1:].strip()) and right not in _CLOSING
    return starts_inside or ends_inside


def _equalise(paragraph: Element) -> bool:
    if next(islice(paragraph.iterchildren(w("r")), 1, None), None) is None:
        return False
    groups: list[list[Element]] = []
    last = ""
    for child in paragraph:
        text = text_of(child) if child.tag in (w("r"), w("hyperlink")) else ""
        if child.tag != w("r"):
            last = "" if text or local_name(child) == "oMath" else last
            continue
        if not text:
            continue
        if last.strip() and text[0].strip() and groups:
            groups[-1].append(child)
        else:
            groups.append([child])
        last = text[-1]
    changed = False
    for group in groups:
        if len({_format(run) for run in group}) > 1:
            _take_over(group, max(group, key=lambda run: len(text_of(run))))
            changed = True
    return changed


def _format(run: Element) -> tuple[str, ...]:
    properties = run.find(w("rPr"))
    found = () if properties is None else properties
    return tuple(
        sorted(
            f"{local_name(one)}={value(one)}" for one in found if local_name(one) in _FORMATS
        )
    )  # fmt: skip


def _take_over(group: list[Element], model: Element) -> None:
    properties = model.find(w("rPr"))
    for run in group:
        if run is model:
            continue
        own = run.find(w("rPr"))
        if own is not None:
            run.remove(own)
        if properties is not None:
            run.insert(0, deepcopy(properties))
