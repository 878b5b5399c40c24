"""Whether a document is approved, judged from what it declares, in one table of words, and never guessed.

A word that the table does not hold is no approval: the document is left out, and the reason names the words
that are understood. Where two places disagree, the stricter one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stagekit.declared.keys import fold, fold_key, own_entries, status_key
from stagekit.errors import StageError

# Words as a singular, masculine where there is a choice; other genders and numbers follow by themselves.
STATUS_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "approved": (
        "approved", "aprovado", "aprobado", "vigente", "em vigor", "en vigor", "in force", "in effect",
        "em vigência", "en vigencia", "ativo", "activo", "active", "válido", "valid", "current",
        "homologado", "ratificado", "final", "finais", "finales", "definitivo",
    ),
    "published": ("published", "publicado"),
    "review": (
        "review", "in review", "under review", "revisão", "em revisão", "revisión", "en revisión", "revision",
        "em análise", "en análisis", "em avaliação", "en evaluación", "em consulta", "em consulta pública",
        "en consulta", "aguardando aprovação", "pendente", "pendiente", "pending", "proposta", "propuesta",
        "proposed",
    ),
    "draft": (
        "draft", "rascunho", "minuta", "borrador", "esboço", "em elaboração", "en elaboración",
        "em construção", "em desenvolvimento", "in progress", "work in progress", "wip", "preliminar",
        "preliminary", "unapproved", "unpublished",
    ),
    "archived": (
        "archived", "arquivado", "archivado", "revogado", "revoked", "repealed", "derogado", "revocado",
        "obsoleto", "obsolete", "cancelado", "cancelled", "canceled", "suspenso", "suspended", "suspendido",
        "substituído", "sustituido", "reemplazado", "superseded", "replaced", "expirado", "expired",
        "vencido", "caducado", "inativo", "inactivo", "inactive", "inválido", "invalid", "anulado",
        "annulled", "void", "extinto", "deprecated", "withdrawn", "retired", "rejeitado", "rechazado",
        "rejected", "reprovado", "descontinuado", "sem efeito", "sin efecto", "tornado sem efeito",
    ),
}  # fmt: skip
"""Status of the NIC schema -> the words that mean it."""
STATUSES: Final = tuple(STATUS_WORDS)
"""The statuses of the NIC schema."""
UNKNOWN: Final = "unknown"
"""What a word that nobody knows comes to."""

_IN_FORCE: Final = ("vigente", "em vigor", "en vigor", "in force", "in effect", "em vigência", "en vigencia",
                    "ativo", "activo", "active", "válido", "valid", "current")  # fmt: skip
_NOT: Final = {"nao", "no", "not", "non", "sem", "sin"}
_BY_THE_WAY: Final = {"ainda", "aun", "todavia", "yet", "still"}
_TRUE: Final = {"true", "yes", "sim", "si", "verdadeiro", "verdadero"}
_FALSE: Final = {"false", "nao", "no", "falso"}
_SHORT_ANSWERS: Final = {"x": "true", "s": "true", "y": "true", "1": "true", "n": "false", "0": "false"}
_NOTHING: Final = {"", "nada", "nenhum", "nenhuma", "ninguno", "ninguna", "none", "n_a"}
_ENDED_BY: Final = re.compile(r"(.+)_(?:por|pelo|pela|by|em|en|on|in)")
_STRICTER: Final = ("approved", "published", "review", "draft", "archived", UNKNOWN)
_SHOWN: Final = 60


def _stem(text: str) -> str:
    """Return words without what tells gender and number: "Revogadas" and "revogado" are one."""
    return " ".join(
        re.sub(r"[oa]$", "", token.removesuffix("s")) if len(token) > 3 else token
        for token in fold(text).split("_")
    )


# What is said of a document's end and cannot be meant otherwise, as "arquivado em: armário 5" can.
_ENDED: Final = frozenset(map(_stem, (
    "revogado", "revoked", "repealed", "derogado", "revocado", "cancelado", "cancelled", "canceled",
    "substituído", "sustituido", "reemplazado", "superseded", "replaced", "anulado", "annulled", "withdrawn",
)))  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """What a document's own words say of its approval."""

    status: str | None = None  # one of :data:`STATUSES`, :data:`UNKNOWN`, or None where nothing is said
    said: str = ""  # the words, such as ``situação: em elaboração``; empty where nothing is said
    warning: str = ""  # a sentence about a property that says something unknown, else empty
    keys: tuple[str, ...] = ()  # the keys of the front matter that were understood


class StatusWords:
    """The table of words, with those that a setting adds.

    Args:
        more: word -> status of the schema, the setting ``status_words``.

    Raises:
        StageError: if one of them is none of the schema's; the sentence names the setting.
    """

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        table = {word: status for status, words in STATUS_WORDS.items() for word in words}
        for word, status in (more or {}).items():
            if status not in STATUSES:
                raise StageError(
                    f"status_words says that {word!r} means {status!r}: a word means one of "
                    f"{', '.join(STATUSES)}."
                )
            table[str(word)] = status
        self._words = table
        self._status = {_stem(word): status for word, status in table.items()}
        self._in_force = {_stem(word) for word in _IN_FORCE}

    def status_of(self, value: Any) -> str | None:
        """Return the status that a word or its negation ("não aprovado") means, None if it is not known."""
        if not isinstance(value, str):
            return None
        stem = _stem(value)
        if stem in self._status:
            return self._status[stem]
        tokens = [token for token in fold(value).split("_") if token not in _BY_THE_WAY]
        rest = _stem(" ".join(token for token in tokens if token not in _NOT))
        if _NOT.isdisjoint(tokens) or self._status.get(rest) not in ("approved", "published"):
            return None
        return "archived" if rest in self._in_force else "draft"

    def accepted(self, statuses: Iterable[str]) -> list[str]:
        """Return the words that mean one of these statuses."""
        wanted = set(statuses)
        return [word for word, status in self._words.items() if status in wanted]

    def statuses(self, listed: Iterable[str] | str) -> set[str]:
        """Return the statuses that the setting ``include_statuses`` names, in whatever words.

        Raises:
            StageError: if it names none, or one that is not known.
        """
        words = listed.split(",") if isinstance(listed, str) else list(listed)
        found = {word: self.status_of(word) for word in words if str(word).strip()}
        if not found:
            raise StageError("include_statuses is empty: name at least one status, like approved.")
        for word, status in found.items():
            if status is None:
                raise StageError(
                    f"include_statuses names {word!r}, which is no status: name some of "
                    f"{', '.join(STATUSES)}."
                )
        return {status for status in found.values() if status}


def judge_status(
    said: Iterable[tuple[str, Any]], properties: Mapping[str, Any], words: StatusWords
) -> Judgement:
    """Return what a document says of its own approval; of several things the strictest.

    Args:
        said: keys and values of the front matter, in its order; a key may stand there twice.
        properties: of the file, see :class:`stagekit.declared.reader.Declaration`.
        words: the table.
    """
    claims = list(_claims(said, words))
    keys = tuple(dict.fromkeys(key for key, _, _ in claims))
    warning = ""
    for name, value in _properties(properties):
        kind = status_key(name)
        status = words.status_of(value) if kind else _of_flag(fold_key(name), value, words)
        if status is not None:
            claims.append((name, value, status))
        elif kind == "status" and not warning:
            warning = f"{name}: {str(value)[:_SHOWN]!r} in the properties is no status that is known here"
    if not claims:
        return Judgement(warning=warning, keys=keys)
    key, value, status = max(claims, key=lambda claim: _STRICTER.index(claim[2]))
    return Judgement(status, f"{key}: {_shown(value)}", warning, keys)


def _claims(said: Iterable[tuple[str, Any]], words: StatusWords) -> Iterator[tuple[str, Any, str]]:
    for key, value in own_entries(said):
        kind = status_key(key)
        for claim in value if isinstance(value, list) else [value]:
            if claim is None or claim in ("", {}):
                continue
            if kind == "status":
                yield key, claim, words.status_of(claim) or UNKNOWN
            elif status := words.status_of(claim) if kind else _of_flag(fold_key(key), claim, words):
                yield key, claim, status


def _of_flag(name: str, value: Any, words: StatusWords) -> str | None:
    """Return what ``draft: true``, ``published: false`` and ``aprovado: pendente`` say.

    The opposites of the first two say nothing; ``revogado por: Portaria 7`` is as good as ``revogado: sim``.
    """
    word = fold(str(value)) if isinstance(value, str | bool | int) else ""
    ended = _ENDED_BY.fullmatch(name)
    if ended and _stem(ended[1]) in _ENDED:
        return None if word in _FALSE | _NOTHING else "archived"
    status = words.status_of(name)
    if status is None:
        return None
    good = status in ("approved", "published")
    if status != "review":  # which is a number, too: "revisão: 1"
        word = _SHORT_ANSWERS.get(word, word)
    if word in _FALSE and good:
        return words.status_of(f"no {name}")
    if word in _TRUE:
        return None if good else status
    return words.status_of(value) if good else None


def _properties(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the properties in which Office programs and people keep a status, among others."""
    if value := properties.get("content_status"):
        yield "content status", value
    for name, value in (properties.get("custom") or {}).items():
        if value not in (None, ""):
            yield name, value


def _shown(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
