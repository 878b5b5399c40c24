"""The catalogue's two files: the text that translators edit, and the table that gettext reads."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from runner.wording.catalogue import DOMAIN, LOCALES
from tests.wording.sentences import Key, english_sentences

PO = LOCALES / "pt_BR" / "LC_MESSAGES" / f"{DOMAIN}.po"
MO = PO.with_suffix(".mo")
_HEAD = "# Sentences of nic-etl in Brazilian Portuguese; `make words` keeps the list of them."
_DAY = datetime(2026, 11, 30, tzinfo=UTC)  # equal sentences give equal files


def read_catalogue() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="pt_BR", domain=DOMAIN)


def updated(catalogue: Catalog) -> Catalog:
    """Return a catalogue with exactly the sentences of the sources, and the words that are known of them."""
    fresh = Catalog(
        locale="pt_BR", domain=DOMAIN, fuzzy=False, header_comment=_HEAD, project="nic-etl", version="1",
        creation_date=_DAY, revision_date=_DAY, last_translator="nic-etl", language_team="pt_BR",
        msgid_bugs_address="nic-etl",
    )  # fmt: skip
    known = {key_of(one): one.string for one in catalogue if one.id}
    for key, file in sorted(english_sentences().items(), key=lambda item: (item[1], item[0][1])):
        context, message, plural = key
        words = known.get(key) or (("", "") if plural else "")
        said = (message, plural) if plural else message
        fresh.add(said, words, context=context, locations=[(file, 0)])
    return fresh


def missing(catalogue: Catalog) -> list[Message]:
    """Return the messages without words."""
    return [one for one in catalogue if one.id and not all(forms(one.string))]


def forms(words: str | Sequence[str] | None) -> list[str]:
    """Return the forms of a message: one, or that for one and that for several."""
    return [words or ""] if isinstance(words, str) or words is None else list(words)


def key_of(message: Message) -> Key:
    said = forms(message.id)
    return message.context, said[0], said[1] if len(said) > 1 else None


def compiled(catalogue: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def write_catalogue(catalogue: Catalog) -> None:
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalogue, width=110, include_lineno=False)
    MO.write_bytes(compiled(catalogue))
