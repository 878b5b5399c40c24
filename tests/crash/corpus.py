"""A corpus of Portuguese Markdown documents with front matter, the same one for the same seed."""

from __future__ import annotations

import random
from pathlib import Path

FOLDER = "30-Aprovados"
_SUBJECTS = (
    "A comissão técnica", "O comitê gestor", "A equipe de redes", "O responsável pelo tratamento",
    "A diretoria", "O usuário do serviço", "A área de segurança", "O encarregado de dados",
    "A unidade solicitante", "O fornecedor contratado",
)  # fmt: skip
_VERBS = (
    "registra", "aprova", "comunica", "revisa", "publica", "encaminha", "acompanha", "documenta", "verifica",
    "mantém",
)  # fmt: skip
_OBJECTS = (
    "o relatório de incidentes", "a política de senhas", "o inventário de ativos", "a ata da reunião",
    "o plano de continuidade", "as exceções de acesso", "o termo de responsabilidade",
    "a cópia de segurança", "o cronograma de implantação", "a análise de impacto",
)  # fmt: skip
_ENDS = (
    "no prazo de {n} dias úteis", "até o dia {n} de cada mês", "conforme o item {n} da norma",
    "com a anuência de {n} conselheiros", "em até {n} horas após a notificação",
    "durante a reunião ordinária número {n}", "segundo o anexo {n} deste documento",
)  # fmt: skip
_THEMES = (
    "Objetivo",
    "Escopo",
    "Responsabilidades",
    "Procedimento",
    "Prazos",
    "Exceções",
    "Registros",
    "Revisão",
)
_AREAS = ("atas", "manuais", "politicas", "procedimentos")


def document_name(number: int) -> str:
    """Return a document's path below the approved folder."""
    return f"{_AREAS[number % len(_AREAS)]}/{number % 7:02}/documento-{number:04}.md"


def paragraph(chance: random.Random, sentences: int = 4) -> str:
    """Return some sentences."""
    return " ".join(
        f"{chance.choice(_SUBJECTS)} {chance.choice(_VERBS)} {chance.choice(_OBJECTS)} "
        f"{chance.choice(_ENDS).format(n=chance.randint(2, 90))}."
        for _ in range(sentences)
    )


def document(number: int, *, seed: int = 0, sections: int = 2, paragraphs: int = 1) -> str:
    """Return a Markdown document with front matter."""
    chance = random.Random(f"{seed}/{number}")
    lines = [
        "---",
        f"title: Documento normativo {number:04}",
        f"author: {chance.choice(('Ana Souza', 'João Conceição', 'Márcia Leão'))}",
        "status: approved",
        f"version: {chance.randint(1, 4)}.{chance.randint(0, 9)}",
        "---",
        f"# Documento normativo {number:04}",
    ]
    for section in range(sections):
        lines.append(f"## {section + 1} {_THEMES[(number + section) % len(_THEMES)]}")
        lines += [paragraph(chance) for _ in range(paragraphs)]
    return "\n\n".join(["\n".join(lines[:6]), *lines[6:]]) + "\n"


def write_corpus(root: Path, count: int, **shape: int) -> list[Path]:
    """Write documents into a plain folder and return their paths, in the order of their numbers.

    Args:
        root: of the folder; the documents lie below its approved folder.
        count: how many.
        shape: seed, sections and paragraphs, see :func:`document`.
    """
    paths = []
    for number in range(count):
        path = root / FOLDER / document_name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(number, **shape), encoding="utf-8")
        paths.append(path)
    return paths
