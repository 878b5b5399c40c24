"""The names under which authors and programs say things of a document (pt, en, es), folded in one way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

# Canonical field -> accepted keys, best first, folded as `fold` does it.
FRONT_MATTER_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title", "titulo"),
    "description": ("description", "summary", "abstract", "descricao", "resumo", "descripcion", "resumen"),
    "created": ("created", "created_at", "date", "criado", "criado_em", "creado", "data", "fecha"),
    "modified": ("modified", "updated", "updated_at", "last_modified", "modificado", "atualizado",
                 "atualizado_em", "actualizado"),
    "version": ("version", "versao", "revision", "revisao"),
    "document_type": ("document_type", "type", "doc_type", "tipo", "tipo_documento", "tipo_de_documento"),
    "tags": ("tags", "keywords", "palavras_chave", "etiquetas", "palabras_clave"),
    "author": ("author", "authors", "autor", "autora", "autores", "elaborado_por"),
    "reviewer": ("reviewer", "reviewed_by", "revisor", "revisora", "revisado_por"),
    "approver": ("approver", "approved_by", "aprovador", "aprovadora", "aprovado_por", "aprobador",
                 "aprobado_por"),
    "department": ("department", "departamento", "setor", "unidade", "area", "sector", "unidad"),
    "language": ("language", "lang", "idioma", "lingua"),
    "effective_date": ("effective_date", "effective_from", "valid_from", "in_force_from", "vigencia",
                       "vigencia_inicio", "vigente_desde", "vigente_a_partir_de", "inicio_vigencia",
                       "inicio_da_vigencia", "data_de_inicio_da_vigencia", "data_de_vigencia",
                       "em_vigor_desde", "em_vigor_a_partir_de", "valido_desde", "valido_a_partir_de",
                       "inicio_de_vigencia", "fecha_de_vigencia", "en_vigor_desde"),
    "expiration_date": ("expiration_date", "expiration", "expires", "expires_at", "expires_on", "expiry",
                        "expiry_date", "valid_until", "valid_to", "valid_through", "effective_until",
                        "effective_to", "in_force_until", "validade", "data_de_validade", "prazo_de_validade",
                        "valido_ate", "valida_ate", "vigente_ate", "em_vigor_ate", "expira", "expira_em",
                        "data_de_expiracao", "fim_vigencia", "fim_da_vigencia", "fim_de_vigencia",
                        "data_de_fim_da_vigencia", "termino_da_vigencia", "vigencia_fim", "vigencia_ate",
                        "vence_em", "vencimento", "data_de_vencimento", "vence", "vencimiento",
                        "fecha_de_vencimiento", "fecha_de_expiracion", "fecha_de_caducidad", "caducidad",
                        "fin_de_vigencia", "vigencia_hasta", "valido_hasta", "vigente_hasta",
                        "en_vigor_hasta", "validez"),
}  # fmt: skip

# Where a status stands.
STATUS_KEYS: Final = (
    "status", "situacao", "situacion", "document_status", "doc_status", "status_do_documento",
    "situacao_do_documento", "situacion_del_documento",
)  # fmt: skip
_STATUS: Final = frozenset({"status", "situacao", "situacion"})
# What may stand beside it and says of what it is, and when.
_OF_THE_DOCUMENT: Final = frozenset({
    "do", "da", "de", "del", "of", "the", "documento", "document", "doc", "norma", "ato", "atual", "actual",
    "current", "content",
})  # fmt: skip
_OF_A_STEP: Final = frozenset({
    "publicacao", "publication", "publicacion", "aprovacao", "approval", "aprobacion", "revisao", "review",
    "revision", "workflow",
})  # fmt: skip
# These name other things, too ("estado: SP", "aprovação: 2024-05-10").
_PERHAPS: Final = frozenset({
    "estado", "state", "workflow", "lifecycle", "approval", "aprovacao", "aprobacion",
})  # fmt: skip

# Where a document names those that it replaces as a whole.
SUPERSEDING_KEYS: Final = (
    "revoga", "substitui", "revokes", "repeals", "replaces", "supersedes", "deroga", "sustituye", "reemplaza",
)  # fmt: skip

# Mappings below which site generators and authors put what is said of the document.
_CONTAINERS: Final = frozenset({
    "documento", "document", "doc", "norma", "metadata", "metadados", "metadatos", "meta", "params", "extra",
})  # fmt: skip

# The same for the properties inside a DOCX or PDF file.
PROPERTY_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title",),
    "description": ("description", "subject", "comments"),
    "created": ("created", "creation_date", "creationdate"),
    "modified": ("modified", "mod_date", "moddate", "modification_date"),
    "version": ("version",),  # `revision` counts how often Word has saved the file
    "document_type": ("category",),
    "tags": ("keywords",),
    "author": ("author",),
    "department": ("department", "company"),
}

_MADE_BY_PROGRAM: Final = re.compile(
    r"^(microsoft (word|powerpoint|excel) ?-|untitled|sem t[íi]tulo|\(anonymous\)|\(unspecified\)"
    r"|documento? ?\d*$|word document|slide \d+$|layout \d+$|python-docx)"
    r"|^(scan(ned|ner)?|scanned document|digitali[sz]a\w*|documento digitali[sz]ado|novo documento|img|"
    r"imagem?|dsc|km(bt)?|xerox|page|p[áa]gina)[\W_]*\d[\W\d_]*$"
    r"|^(cam ?scanner|adobe scan|genius scan|office lens|microsoft lens|whatsapp image)\b"
    r"|\.(docx?|pdf|odt|indd|tex|dvi|md|html?|pptx?|txt|qxd)$",
    re.IGNORECASE,
)

# What programs write into a file's properties when nobody filled them in.
_PLACEHOLDER: Final = re.compile(
    r"\(?(anonymous|unspecified|untitled|unknown|none|python-docx|generated by python-docx|"
    r"word document|document\d*|documento\d*|documento sem t[ií]tulo|sem t[ií]tulo|sin t[ií]tulo|"
    r"microsoft office user|usu[aá]rio( do microsoft office)?|user|admin)\)?"
    r"|microsoft (word|powerpoint|excel) - .*",
    re.IGNORECASE,
)


def fold(text: str) -> str:
    """Return text in lower case, without accents, with ``_`` between words: "Versão 2" -> "versao_2"."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[\W_]+", "_", plain.casefold()).strip("_")


def fold_key(name: str) -> str:
    """Return a key as :func:`fold` does, words parted at capitals, too: "expiryDate" -> "expiry_date"."""
    return fold(re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", name))


def status_key(name: str) -> Literal["", "status", "perhaps"]:
    """Tell whether a status stands under a key, such as ``situação atual`` or ``docStatus``.

    Returns:
        `status` where whatever else stands there is no approval; `perhaps` where it counts only if it is a
        word that is known; empty for other keys.
    """
    words = frozenset(fold_key(name).split("_"))
    beside = words - _STATUS - _OF_THE_DOCUMENT
    if words & _STATUS:
        return "status" if not beside else "perhaps" if beside <= _OF_A_STEP else ""
    return "perhaps" if beside and beside <= _PERHAPS else ""


def own_entries(said: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield keys and values, and behind those of a mapping such as ``documento:`` what it says itself."""
    for name, value in said:
        yield name, value
        if isinstance(value, dict) and fold_key(name) in _CONTAINERS:
            yield from value.items()


def is_placeholder(text: str) -> bool:
    """Tell whether a document property holds what a program put there instead of a person."""
    return _PLACEHOLDER.fullmatch(text.strip()) is not None


def usable_title(title: str | None) -> str | None:
    """Return a title unless it is empty or a program wrote it (`Microsoft Word - x.docx`, `untitled`)."""
    text = " ".join((title or "").split())
    return None if len(text) < 2 or _MADE_BY_PROGRAM.search(text) else text
