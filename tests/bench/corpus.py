"""Writes the benchmark's mixed documents: PDF, scans, Markdown, DOCX, text, images; Portuguese and English.

The same count gives the same bytes. Needs reportlab, python-docx and Pillow.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from tests.bench.scanned_pages import jpeg_scan, png_page, scanned_pdf

FOLDER = "30-Aprovados"
KINDS = (
    "md", "docx", "pdf", "scan", "pdf", "md", "docx", "pdf", "md", "docx",
    "pdf", "image", "md", "docx", "pdf", "txt", "md", "pdf", "docx", "md",
)  # fmt: skip
"""Of twenty documents: six PDF, one scanned PDF, six Markdown, five Word, one plain text, one image."""

_AREAS = ("atas", "manuais", "politicas", "procedimentos", "reports")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip entry can carry
_WORDS = {
    "pt": (
        ("A comissão técnica", "O comitê gestor", "A equipe de redes", "O encarregado de dados"),
        ("registra", "aprova", "comunica", "revisa", "publica", "encaminha", "acompanha", "verifica"),
        ("o relatório de incidentes", "a política de senhas", "o inventário de ativos", "a ata da reunião",
         "o plano de continuidade", "a cópia de segurança", "o cronograma de implantação"),
        ("no prazo de {n} dias úteis", "até o dia {n} de cada mês", "conforme o item {n} da norma",
         "com a anuência de {n} conselheiros", "em até {n} horas após a notificação"),
        ("Objetivo", "Escopo", "Responsabilidades", "Prazos", "Exceções", "Registros", "Revisão"),
        "Documento normativo {n:04}", ("Item", "Responsável", "Prazo"),
    ),
    "en": (
        ("The technical committee", "The steering board", "The network team", "The officer"),
        ("records", "approves", "reports", "reviews", "publishes", "forwards", "monitors", "verifies"),
        ("the incident report", "the password policy", "the asset inventory", "the minutes of the meeting",
         "the continuity plan", "the backup copy", "the deployment schedule"),
        ("within {n} working days", "by day {n} of each month", "as item {n} of the standard demands",
         "with the consent of {n} members", "within {n} hours of the notice"),
        ("Purpose", "Scope", "Responsibilities", "Deadlines", "Exceptions", "Records", "Revision"),
        "Technical report {n:04}", ("Item", "Owner", "Deadline"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """One document before it has a format: sections are (heading, paragraphs), then comes a table.

    Text, scans and images have no table.
    """

    number: int
    language: str
    title: str
    author: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    table: tuple[tuple[str, ...], ...]


def write_corpus(root: Path, count: int, seed: int = 0) -> list[Path]:
    """Write documents below the approved folder of ``root``; return their paths, in the order of numbers."""
    paths = []
    for number in range(count):
        path = root / FOLDER / document_path(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document_bytes(number, seed))
        paths.append(path)
    return paths


def document_path(number: int) -> str:
    """Return a document's path below the approved folder."""
    kind = _kind(number)
    extension = {"scan": "pdf", "image": "png" if _is_png(number) else "jpg"}.get(kind, kind)
    return f"{_AREAS[number // 3 % len(_AREAS)]}/documento-{number:04}.{extension}"


def document_bytes(number: int, seed: int = 0) -> bytes:
    """Return the file of one document, in the format that its number decides."""
    made = _draft(number, seed)
    kind = _kind(number)
    if kind in {"docx", "pdf"}:
        return _docx(made) if kind == "docx" else _pdf(made)
    if kind in {"scan", "image"}:
        return _picture(made, kind, random.Random(f"{seed}/{number}/scan"))
    return (_markdown(made) if kind == "md" else _text(made)).encode()


def document_text(number: int, seed: int = 0) -> str:
    """Return the words of one document in the order in which they are read."""
    return _text(_draft(number, seed))


def change_one(folder: Path) -> Path:
    """Add a sentence to one document of a folder, a text if there is any, and return its path.

    Raises:
        ValueError: if there is neither a Markdown nor a text file.
    """
    path = _one(folder)
    text = path.read_text(encoding="utf-8").rstrip("\n")
    path.write_text(f"{text}\n\nO ramal do plantão passa a ser 9999.\n", encoding="utf-8")
    return path


def rename_one(folder: Path) -> Path:
    """Move one document of a folder into a new subfolder, bytes unchanged, and return its new path."""
    path = _one(folder)
    moved = path.parent / "arquivo" / path.name
    moved.parent.mkdir(exist_ok=True)
    path.rename(moved)
    return moved


def _one(folder: Path) -> Path:
    texts = sorted(path for path in folder.rglob("*") if path.suffix in {".md", ".txt"} and path.is_file())
    if not texts:
        raise ValueError(f"{folder} has no Markdown or text file, and one is to be changed: add one.")
    return texts[len(texts) // 2]


def _kind(number: int) -> str:
    return KINDS[number % len(KINDS)]


def _is_png(number: int) -> bool:
    return number // len(KINDS) % 2 == 0


def _draft(number: int, seed: int) -> Draft:
    chance = random.Random(f"{seed}/{number}")
    language = "en" if number % 3 == 2 else "pt"
    who, does, what, when, themes, title, head = _WORDS[language]

    def paragraph() -> str:
        return " ".join(
            f"{chance.choice(who)} {chance.choice(does)} {chance.choice(what)} "
            f"{chance.choice(when).format(n=chance.randint(2, 90))}."
            for _ in range(chance.randint(3, 6))
        )

    length = chance.choice((1, 1, 3, 5)) if _kind(number) == "pdf" else 1  # one to three pages
    sections = tuple(
        (themes[(number + at) % len(themes)], tuple(paragraph() for _ in range(chance.randint(1, 2))))
        for at in range(chance.randint(2, 3) * length)
    )
    rows = [(str(at + 1), chance.choice(who), f"{chance.randint(2, 90)} d") for at in range(4)]
    author = chance.choice(("Ana Souza", "João Conceição", "Márcia Leão"))
    return Draft(number, language, title.format(n=number), author, sections, (head, *rows))


def _markdown(draft: Draft) -> str:
    lines = ["---", f"title: {draft.title}", f"author: {draft.author}", "status: approved", "---", ""]
    lines += [f"# {draft.title}", ""]
    for heading, paragraphs in draft.sections:
        lines += [f"## {heading}", ""]
        lines += [part for paragraph in paragraphs for part in (paragraph, "")]
    head, *rows = draft.table
    lines += ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def _text(draft: Draft) -> str:
    parts = [text if kind == "text" else text.upper() for kind, text in _parts(draft)]
    return "\n\n".join(parts) + "\n"


def _parts(draft: Draft) -> Iterator[tuple[str, str]]:
    yield "title", draft.title
    for heading, paragraphs in draft.sections:
        yield "heading", heading
        yield from (("text", paragraph) for paragraph in paragraphs)


def _picture(draft: Draft, kind: str, chance: random.Random) -> bytes:
    if kind == "scan":
        return scanned_pdf(_parts(draft), chance)
    return png_page(_parts(draft)) if _is_png(draft.number) else jpeg_scan(_parts(draft), chance)


def _docx(draft: Draft) -> bytes:
    from docx import Document

    document = Document()
    properties = document.core_properties
    properties.title, properties.author = draft.title, draft.author
    document.add_heading(draft.title, level=0)
    for heading, paragraphs in draft.sections:
        document.add_heading(heading, level=1)
        for paragraph in paragraphs:
            document.add_paragraph(paragraph)
    table = document.add_table(rows=len(draft.table), cols=len(draft.table[0]), style="Table Grid")
    for cells, texts in zip(table.rows, draft.table, strict=True):
        for cell, text in zip(cells.cells, texts, strict=True):
            cell.text = text
    buffer, fixed = io.BytesIO(), io.BytesIO()
    document.save(buffer)
    # python-docx dates the entries of the package with the clock.
    with zipfile.ZipFile(buffer) as package, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in package.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, package.read(name))
    return fixed.getvalue()


def _pdf(draft: Draft) -> bytes:
    from reportlab.lib import colors  # type: ignore[import-untyped]
    from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
    from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table  # type: ignore[import-untyped]

    styles = getSampleStyleSheet()
    parts = [Paragraph(escape(draft.title), styles["Title"])]
    for heading, paragraphs in draft.sections:
        parts.append(Paragraph(escape(heading), styles["Heading2"]))
        parts += [Paragraph(escape(text), styles["BodyText"]) for text in paragraphs]
    grid = [("GRID", (0, 0), (-1, -1), 0.5, colors.grey)]
    parts += [Spacer(1, 12), Table([list(row) for row in draft.table], style=grid)]
    buffer = io.BytesIO()
    # invariant: no clock in dates and identifiers
    document = SimpleDocTemplate(buffer, pagesize=A4, invariant=1, title=draft.title, author=draft.author)
    document.build(parts)
    return buffer.getvalue()
