"""A document is called what names it, and never by one of its sections."""

import pytest
from docling_core.types.doc import DocItemLabel, DoclingDocument
from docling_core.types.doc.document import Formatting

from stagekit.declared import Declaration
from stagekit.declared.keys import usable_title
from stagekit.processing.text.html_document import read_html
from stagekit.processing.text.markdown_html import markdown_to_html
from stagekit.processing.text.plain_text import text_to_document
from stagekit.processing.title import document_title

NOTHING = Declaration()


def title_of(markdown: str) -> str | None:
    return document_title(NOTHING, read_html(markdown_to_html(markdown)).document)


@pytest.mark.parametrize(
    ("markdown", "title"),
    [
        ("# Norma de férias\n\nTexto.", "Norma de férias"),
        ("Texto antes.\n\n# Norma de férias\n\nTexto.", "Norma de férias"),
        ("## Sumário\n\n- Férias\n\n## Férias\n\nTexto.", "Férias"),
        ("## Objetivo\n\nTexto.\n\n## Diárias\n\nTexto.", None),
        ("## Âmbito de aplicação\n\nTexto.\n\n## Diárias\n\nTexto.", None),
        ("## Objetivo e abrangência\n\nTexto.\n\n## Diárias\n\nTexto.", None),
        ("# Introduction\n\nText.\n\n# Travel allowance\n\nText.", None),
        ("## a) Pedido\n\nTexto.\n\n## b) Prazo\n\nTexto.", None),
        ("# Apresentação\n\nTexto.", "Apresentação"),  # styled as the title of the whole
        ("## Objetivos da política de férias\n\nTexto.", "Objetivos da política de férias"),
        ("## Política de férias\n\n### Objetivo\n\nTexto.", "Política de férias"),
        ("**POLÍTICA DE VIAGENS**\n\n## 1. Objetivo\n\nTexto.", "POLÍTICA DE VIAGENS"),
        ("**Guia de protocolo**\n\n## Objetivo\n\nTexto.", "Guia de protocolo"),
        ("PREFEITURA DE VALE VERDE\n\nPORTARIA Nº 3/2024\n\nTexto da norma.", "PORTARIA Nº 3/2024"),
        ("PREFEITURA DE VALE VERDE\n\nTexto da norma.", "PREFEITURA DE VALE VERDE"),
        ("# Norma *de* `X`\n\n# 1. Objeto\n\nTexto.", "Norma de X"),
        ("## 1. Objetivo\n\nTexto.\n\n## 2. Diárias\n\nTexto.", None),
        ("# Capítulo I - Férias\n\nTexto.\n\n# Capítulo II - Licenças", None),
        ("## Art. 5º Prazos\n\nTexto.", None),
        ("**Atenção: o prazo é de dez dias.**\n\nTexto.", None),
        ("Um texto comum.\n\n**Só um destaque**", None),
    ],
)
def test_the_title_is_what_names_the_document(markdown, title):
    assert title_of(markdown) == title


def test_front_matter_wins_over_properties_and_these_over_headings():
    document = read_html("<h1>Título da página</h1>").document
    both = Declaration(front_matter={"title": "Da capa"}, properties={"title": "Das propriedades"})
    assert document_title(both, document) == "Da capa"
    assert (
        document_title(Declaration(properties={"title": "Das propriedades"}), document) == "Das propriedades"
    )
    assert document_title(Declaration(properties={"title": "Scan_20240301"}), document) == "Título da página"


def test_a_plain_text_is_called_by_the_line_that_stands_out():
    text = "CÂMARA MUNICIPAL\nATO Nº 7, DE 2 DE MAIO DE 2024\n\nDispõe sobre o uso do auditório da casa."
    assert document_title(NOTHING, text_to_document(text, "d")) == "ATO Nº 7, DE 2 DE MAIO DE 2024"


def test_a_bold_line_of_word_is_a_title_and_a_bold_list_item_is_none():
    document = DoclingDocument(name="d")
    document.add_text(label=DocItemLabel.TEXT, text="Plano de contingência", formatting=Formatting(bold=True))
    document.add_heading("1 Objetivo", level=1)
    assert document_title(NOTHING, document) == "Plano de contingência"
    document = DoclingDocument(name="d")
    group = document.add_list_group()
    document.add_list_item("PRIMEIRO PASSO", parent=group, formatting=Formatting(bold=True))
    assert document_title(NOTHING, document) is None


@pytest.mark.parametrize(
    "title",
    ["Scan_0001", "CamScanner 03-10-2024 14.30", "Digitalizado 01/02/2024", "IMG_20240101", "Página 3"],
)
def test_what_a_scanner_wrote_is_no_title(title):
    assert usable_title(title) is None


@pytest.mark.parametrize(
    "title", ["Digitalização de documentos", "Plano 2024", "Minha página", "Imagem da cidade"]
)
def test_titles_of_people_are_kept(title):
    assert usable_title(title) == title
