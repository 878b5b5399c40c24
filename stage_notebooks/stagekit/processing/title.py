"""Finds what a document is called: what names it, and never one of its sections."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from docling_core.types.doc import DocItemLabel, DoclingDocument, SectionHeaderItem, TextItem, TitleItem
from docling_core.types.doc.document import ListItem

from stagekit.declared import Declaration
from stagekit.declared.fields import DeclaredFields, parse_text
from stagekit.declared.keys import usable_title

LONGEST_TITLE = 160
_SECTION = re.compile(
    r"(?:\d{1,3}(?:\.\d+)*\s*[.)ºª°–—-]?\s+\S"
    r"|[IVXLC]{1,6}\s*[.)–—-]\s|[A-Z]\s?[.)]\s+\S"
    r"|(?:cap[ií]tulo|capítol|se[cç][aã]o|subse[cç][aã]o|secci[oó]n|section|chapter|t[ií]tulo|livro|libro|"
    r"art(?:igo|[ií]culo|icle)?\.?|anexo|annex|appendix|ap[eê]ndice|parte|part|cl[aá]usula|item|etapa|fase|passo)"
    r"\s+(?:\d+[ºª°o]?|[IVXLC]+|[úu]nic[oa]|[A-Z])(?!\w)"
    r"|§|par[aá]grafo\s+[úu]nico)",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"(?:sum[aá]rio|[ií]ndice(?: geral| general| remissivo)?|conte[uú]dos?|contenidos?|"
    r"(?:table of )?contents|tabla de contenidos?|lista de (?:figuras|tabelas|quadros|siglas|abreviaturas))",
    re.IGNORECASE,
)
# Sections with which texts of any kind begin: where one stands first, the document itself has no name.
_FIRST_SECTION = re.compile(
    r"(?:(?:d[oa]s?\s+)?(?:"
    r"objetivos?(?: gera(?:l|is)| espec[ií]ficos?)?|objet(?:o|ives?)|finalidad(?:es?)?|prop[oó]sitos?|"
    r"purpose|"
    r"introdu[cç][aã]o|introducci[oó]n|introduction|apresenta[cç][aã]o|presentaci[oó]n|overview|"
    r"pref[aá]cio|prefacio|preface|foreword|pre[aâá]mbulo?|preamble|justificativa|justificaci[oó]n|"
    r"contexto|contextualiza[cç][aã]o|context|background|antecedentes|"
    r"escopo|scope|abrang[eê]ncia|alcance|[aâá]mbito|"
    r"(?:[aâá]mbito|campo) de (?:aplica[cç][aã]o|aplicaci[oó]n)|"
    r"defini[cç][oõ]es|definiciones|definitions|terms and definitions|"
    r"considera[cç][oõ]es (?:iniciais|gerais|preliminares)|"
    r"disposi[cç][oõ]es (?:iniciais|gerais|preliminares)|disposiciones (?:generales|preliminares)|"
    r"general provisions|resumo executivo|resumen ejecutivo|(?:executive )?summary|"
    r"identifica[cç][aã]o(?: do documento)?|(?:dados|informa[cç][oõ]es) gerais|"
    r"(?:hist[oó]rico|controle) d[eao]s? (?:vers[oõ]es|revis[oõ]es|altera[cç][oõ]es)|revision history"
    r")(?:\s+(?:e|y|and)\s+\w+)?)",
    re.IGNORECASE,
)
# A line of a letterhead names whose document it is, not the document.
_LETTERHEAD = re.compile(
    r"(?:rep[uú]blica|governo|gobierno|estado|prefeitura|munic[ií]pio|c[aâ]mara|minist[eé]rio|ministerio|"
    r"secretaria|servi[cç]o p[uú]blico|universidade|instituto|tribunal|poder (?:executivo|legislativo))",
    re.IGNORECASE,
)

_NOTE_MARK = re.compile(r"\[\^[^\[\]\s]+\]")
_BESIDE = {DocItemLabel.CAPTION, DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER}  # the text, not in it


def document_title(declared: Declaration, document: DoclingDocument) -> str | None:
    """Return the title of a document, None where nothing names it and its file's name has to serve.

    The best source wins: front matter, the file's properties unless a program wrote them, an item with the
    style of a title, the first heading or the line that stands out at the top (bold or in capitals). A
    numbered section, a clause, the heading of a contents list, and a section with which any text may begin
    ("Objetivo"), name a part of the document.
    """
    said = DeclaredFields(declared.front_matter, {}).read("title", parse_text)
    candidates = [said, usable_title(declared.properties.get("title")), *_named_in(document)]
    titles = (" ".join(_NOTE_MARK.sub("", html.unescape(text)).split()) for text in candidates if text)
    return next(filter(None, titles), None)


def _named_in(document: DoclingDocument) -> Iterator[str]:
    body = [item for item in document.texts if item.content_layer.value == "body"]
    own = [item.text for item in body if isinstance(item, TitleItem)]
    only = len(own) == 1  # what is styled as the title of the whole is it, whatever it says
    yield from (text for text in own if names_document(text) and (only or not _is_first_section(text)))
    top = list(_top_lines(body))
    yield from (text for text in top if not _LETTERHEAD.match(text))
    yield from top
    heading = next((item.text for item in body if _is_heading(item) and not _is_contents(item.text)), "")
    if names_document(heading) and not _is_first_section(heading):
        yield heading


def _top_lines(body: list[TextItem]) -> Iterator[str]:
    """Yield the headings and lines that stand out before the text begins."""
    for item in body:
        if _is_contents(item.text) or not item.text.strip() or item.label in _BESIDE:
            continue
        named = names_document(item.text) and not _is_first_section(item.text)
        if not named or not (_is_heading(item) or _stands_out(item)):
            return
        yield item.text


def names_document(text: str) -> bool:
    """Tell a title from the heading of a section, a clause or a contents list."""
    plain = " ".join(text.split()).strip("*_~ ")
    return bool(plain) and not _SECTION.match(plain) and not _is_contents(plain)


def _is_contents(text: str) -> bool:
    return _CONTENTS.fullmatch(" ".join(text.split()).strip("*_~: ")) is not None


def _is_first_section(text: str) -> bool:
    return _FIRST_SECTION.fullmatch(" ".join(text.split()).strip("*_~: ")) is not None


def _is_heading(item: TextItem) -> bool:
    return isinstance(item, SectionHeaderItem)


def _stands_out(item: TextItem) -> bool:
    """Tell a line of bold letters or capitals that is no sentence."""
    text = item.text.strip()
    if isinstance(item, ListItem) or len(text) > LONGEST_TITLE or text.endswith((".", ";", ",", ":")):
        return False
    letters = [sign for sign in text if sign.isalpha() and sign not in "ºª"]
    bold = item.formatting is not None and item.formatting.bold
    return len(letters) > 3 and (bold or all(sign.isupper() for sign in letters))
