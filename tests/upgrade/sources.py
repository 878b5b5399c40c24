"""The documents that the earlier version stored: some that stay, and some that leave under today's rules."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_FOLDER: Final = "30-Aprovados"


def _norm(head: str, title: str, subject: str) -> str:
    return f"{head}\n# {title}\n\nQuem responde por {subject} revisa os registros a cada seis meses.\n"


def _yaml(*lines: str) -> str:
    return "\n".join(["---", *lines, "---"])


STAY: Final[dict[str, bytes]] = {
    f"{_FOLDER}/politica-de-senhas.md": _norm(
        _yaml("status: aprovado"), "Política de senhas", "senhas e frases de acesso"
    ).encode(),
    f"{_FOLDER}/horario.txt": "Horário da biblioteca\n\nEla abre às oito e fecha às vinte.\n".encode(),
    f"{_FOLDER}/convenio.md": _norm(
        _yaml("status: aprovado", "validade: 2024-12-31"), "Convênio do herbário", "amostras do herbário"
    ).encode(),
}
"""Documents that stay; the last one has expired, which ``include_expired: false`` leaves out."""

LEAVE: Final[dict[str, bytes]] = {
    f"{_FOLDER}/em-elaboracao.md": _norm(
        _yaml("situação: em elaboração"), "Norma das viagens", "viagens internacionais"
    ).encode(),
    f"{_FOLDER}/palavra-nova.md": _norm(
        _yaml("situação: em hibernação"), "Norma dos veículos", "veículos da frota"
    ).encode(),
    f"{_FOLDER}/minuta.md": _norm(
        _yaml("situação: minuta"), "Norma do almoxarifado", "peças de reposição"
    ).encode("cp1252"),
    f"{_FOLDER}/toml.md": _norm("+++\ndraft = true\n+++", "Norma dos laboratórios", "reagentes").encode(),
    f"{_FOLDER}/nao-publicado.md": _norm(
        _yaml("published: false"), "Norma dos crachás", "crachás de visitantes"
    ).encode(),
    f"{_FOLDER}/ilegivel.md": _norm(
        _yaml("title: Norma: das salas", "owner: [nic", "status aprovado"),
        "Norma das salas",
        "salas de reunião",
    ).encode(),
}
"""Documents that an earlier version took for approved."""

NORMS: Final = STAY | LEAVE
FEW_NORMS: Final = {path: NORMS[path] for path in (f"{_FOLDER}/horario.txt", f"{_FOLDER}/em-elaboracao.md")}
"""One that stays and one that leaves."""

AGREEMENTS: Final[dict[str, bytes]] = {
    f"{_FOLDER}/acordo.md": _norm(
        _yaml("status: aprovado"), "Acordo do auditório", "empréstimo do auditório"
    ).encode(),
    f"{_FOLDER}/em-elaboracao.md": _norm(
        _yaml("situação: em elaboração"), "Acordo do teatro", "cessão do teatro"
    ).encode(),
}


def write_source(folder: Path, documents: dict[str, bytes], modified: float) -> None:
    """Write documents below a folder, all of them last changed at ``modified`` (seconds since 1970)."""
    for path, content in documents.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (modified, modified))
