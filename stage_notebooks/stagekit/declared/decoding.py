"""Decodes text files whose encoding nobody wrote down: UTF-8, UTF-16, and older 8-bit code pages."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Windows-1252 first: it wins a tie. DOS (cp850) and old Macintosh files show up as implausible letters in it.
_CODE_PAGES = ("cp1252", "cp850", "mac_roman")
_PLAUSIBLE = re.compile("[áàâãäéèêíìîóòôõöúùûüçñÁÀÂÃÉÊÍÓÔÕÚÜÇÑªº°²³§–—“”‘’…•·¿¡«»€£\u00a0\u00ad]")
# What UTF-8 makes of a letter or a dash, and no text in Windows-1252 has: Ã§, Âº, â€“. (MANHÃ” it may have.)
_PASTED = re.compile(
    rb"(?<![A-Z])\xc3[\x80-\xbf]|\xc3[\x80-\x84\x86-\x90\x95\x98-\xb9\xbc-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\xbf]"
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CHARSET = re.compile(rb"""<(?:meta|\?xml)[^>]+(?:charset|encoding)\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
# Browsers read both as Windows-1252, whose dashes and quotes they lack.
_LATIN_1 = frozenset({"iso-8859-1", "iso8859-1", "latin-1", "latin1", "us-ascii", "ascii"})
_SAMPLE = 65536
_MOST_ZERO_BYTES = 0.01  # of a text that has some; more of them are a text of two bytes a letter, or none
_FOREIGN = "stagekit-foreign-byte"


def decode_text(content: bytes) -> tuple[str, str]:
    """Return the text with line feeds as line ends, and the encoding it was found in.

    A byte order mark of UTF-16 or UTF-32 decides (that of UTF-8 stays when somebody saves the file as
    something else, or appends to it); then UTF-16 without a mark, seen by its zero bytes; then valid UTF-8;
    then UTF-8 into which bytes of Windows-1252 or DOS were pasted (each of them is read as that); then the
    code page in which the letters beyond ASCII are most plausible for Portuguese, Spanish and English, where
    letters of UTF-8 that were pasted into Windows-1252 are read as those. A byte that does not fit spoils
    itself and nothing else; a stray zero byte is left out.
    """
    content = _without_mark(content)
    encoding = _encoding(content)
    text = _decoded(content, encoding).replace("\x00", "")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def decode_html(content: bytes) -> tuple[str, str]:
    """Return the text of an HTML page and its encoding.

    The declared encoding counts, unless the bytes say otherwise: what is UTF-8 beyond ASCII is UTF-8, and a
    declaration that can be read as ASCII is not in UTF-16.
    """
    content = _without_mark(content)
    declared = _CHARSET.search(content[:4096])
    found = _encoding(content)
    if declared and found not in dict(_BOMS).values() and (found != "utf-8" or content.isascii()):
        encoding = declared.group(1).decode("ascii").lower()
        encoding = "cp1252" if encoding in _LATIN_1 else encoding
        try:
            if not encoding.startswith(("utf-16", "utf16", "utf-32", "utf32")):
                return content.decode(encoding).replace("\x00", ""), encoding
        except (LookupError, UnicodeDecodeError):
            pass  # a wrong declaration; the bytes decide
    return decode_text(content)


def looks_like_text(content: bytes) -> bool:
    """Whether the bytes are text in any of the known encodings: hardly any control characters in them."""
    sample = _without_mark(content[:_SAMPLE])
    text = _decoded(sample, _encoding(sample))
    return len(_CONTROL.findall(text)) <= 0.002 * len(text)


def _without_mark(content: bytes) -> bytes:
    return content.removeprefix(codecs.BOM_UTF8)


def _encoding(content: bytes) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding
    if b"\x00" in content[:_SAMPLE]:
        sample = content[:_SAMPLE]
        odd, even = sample[1::2].count(0), sample[0::2].count(0)
        if max(odd, even) > 0.6 * (len(sample) / 2):
            return "utf-16-le" if odd > even else "utf-16-be"
        if sample.count(0) > _MOST_ZERO_BYTES * len(sample):
            return "latin-1"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(content)  # not final: a sample may end inside a character
    except UnicodeDecodeError:
        return "utf-8" if _mostly_utf8(content) else _code_page(content[:_SAMPLE])
    return "utf-8"


def _mostly_utf8(content: bytes) -> bool:
    """Tell whether most letters beyond ASCII are whole characters of UTF-8, which chance hardly makes."""
    whole = len(re.findall(r"[^\x00-\x7f]", content.decode("utf-8", errors="ignore")))
    broken = content.decode("utf-8", errors="replace").count("\ufffd")
    return whole >= broken


def _decoded(content: bytes, encoding: str) -> str:
    if encoding == "cp1252":
        content = _PASTED.sub(lambda pasted: pasted[0].decode().encode("cp1252", "replace"), content)
    return content.decode(encoding, errors=_FOREIGN if encoding == "utf-8" else "replace")


def _foreign_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    byte = error.object[error.start : error.start + 1]
    readings = [byte.decode(encoding, errors="replace") for encoding in ("cp1252", "cp850")]
    return next(filter(_PLAUSIBLE.fullmatch, readings), readings[0]), error.start + 1


codecs.register_error(_FOREIGN, _foreign_byte)


def _code_page(content: bytes) -> str:
    beyond_ascii = bytes(byte for byte in content if byte > 0x7F)
    plausible = {
        encoding: len(_PLAUSIBLE.findall(beyond_ascii.decode(encoding, errors="replace")))
        for encoding in _CODE_PAGES
    }
    return max(plausible, key=lambda encoding: plausible[encoding])
