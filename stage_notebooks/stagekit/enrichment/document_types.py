"""The kinds of documents, and the words with which authors, folders and titles name them (pt, en, es)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stagekit.declared.keys import fold
from stagekit.enrichment.schema import DOCUMENT_TYPES

TYPE_WORDS: Final[dict[str, str]] = {
    word: kind
    for kind, words in {
        "policy": "policy policies politica politicas norma normas normativa regulamento regulamentos "
        "reglamento reglamentos regulation regulations portaria portarias decreto decretos decree resolucao "
        "resolucoes resolucion",
        "procedure": "procedure procedures procedimento procedimentos procedimiento procedimientos pop pops",
        "guideline": "guideline guidelines guide guides guia guias diretriz diretrizes directriz directrices "
        "orientacao orientacoes orientacion orientaciones lineamiento lineamientos cartilha cartilhas",
        "manual": "manual manuais manuals manuales handbook handbooks",
        "report": "report reports relatorio relatorios informe informes reporte reportes ata atas minutes "
        "acta actas",
        "presentation": "presentation presentations apresentacao apresentacoes presentacion presentaciones "
        "slides",
        "form": "form forms formulario formularios requerimento requerimentos",
    }.items()
    for word in words.split()
}


def parse_document_type(value: Any) -> str | None:
    """Return the schema's document type for an author's word, None where it is none."""
    name = fold(value) if isinstance(value, str) else ""
    if name in DOCUMENT_TYPES or name in ("outro", "outros", "otro", "otros"):
        return name if name in DOCUMENT_TYPES else "other"
    return next((TYPE_WORDS[word] for word in name.split("_") if word in TYPE_WORDS), None)


def type_from_words(names: Sequence[str]) -> str:
    """Return the type that the first known word names: nearest folder first, then title, then file name."""
    words = (word for name in names for word in fold(name).split("_"))
    return next((TYPE_WORDS[word] for word in words if word in TYPE_WORDS), "other")
