"""Lists every file of the sample repository: where it lies, which text it comes from and how it is made."""

from collections.abc import Callable
from typing import NamedTuple

from .markup import TEXTS, load_source
from .pdf import digital_pdf
from .scan import jpeg_page, png_page, scanned_pdf
from .word import docx_file

__all__ = ["APPROVED", "PASSWORD", "SAMPLE_FILES", "SampleFile"]

APPROVED = "30-Aprovados"
PASSWORD = "nic-exemplo"  # printed in the sample's README: it protects nothing


class SampleFile(NamedTuple):
    """A file of the sample: the name of its source text ("" for none) and a function that gives its bytes."""

    source: str
    build: Callable[[], bytes]


def _as_written(name: str, encoding: str = "utf-8") -> SampleFile:
    return SampleFile(name, lambda: (TEXTS / name).read_text(encoding="utf-8").encode(encoding))


def _docx(name: str) -> SampleFile:
    return SampleFile(f"{name}.md", lambda: docx_file(load_source(name)))


def _pdf(name: str, *, columns: int = 1, password: str = "") -> SampleFile:
    return SampleFile(
        f"{name}.md", lambda: digital_pdf(load_source(name), columns=columns, password=password)
    )


def _scan(name: str, *, seed: int) -> SampleFile:
    return SampleFile(f"{name}.md", lambda: scanned_pdf(load_source(name), seed=seed))


def _jpeg(name: str, *, seed: int) -> SampleFile:
    return SampleFile(f"{name}.md", lambda: jpeg_page(load_source(name), seed=seed))


def _png(name: str) -> SampleFile:
    return SampleFile(f"{name}.md", lambda: png_page(load_source(name)))


def _office_lock(owner: str) -> SampleFile:
    """The 162 bytes that Word leaves beside an open file: its user, in bytes and in UTF-16."""
    narrow = bytes([len(owner)]) + owner.encode("latin-1").ljust(53, b" ")
    wide = bytes([len(owner), 0]) + owner.encode("utf-16-le").ljust(106, b" ")
    return SampleFile("", lambda: narrow + wide)


_APPROVED_FILES: dict[str, SampleFile] = {
    "politicas/seguranca/politica-de-seguranca-da-informacao.md": _as_written(
        "politica-de-seguranca-da-informacao.md"
    ),
    "politicas/seguranca/Política de Controle de Acesso.pdf": _pdf("politica-de-controle-de-acesso"),
    "politicas/pessoas/politica-de-teletrabalho.docx": _docx("politica-de-teletrabalho"),
    "politicas/pessoas/avaliacao-de-desempenho.pdf": _pdf("avaliacao-de-desempenho", password=PASSWORD),
    "politicas/informacao/politica-de-preservacao-digital.md": _as_written(
        "politica-de-preservacao-digital.md"
    ),
    "politicas/informacao/data-retention-policy.md": _as_written("data-retention-policy.md"),
    "politicas/informacao/politica-de-uso-de-ia.md": _as_written("politica-de-uso-de-ia.md"),
    "procedimentos/atendimento/emprestimo-de-equipamentos.txt": _as_written(
        "emprestimo-de-equipamentos.txt", "latin-1"
    ),
    "procedimentos/atendimento/procedimiento-de-visitas-guiadas.md": _as_written(
        "procedimiento-de-visitas-guiadas.md"
    ),
    "procedimentos/compras/Procedimento de Compras Diretas.docx": _docx("procedimento-de-compras-diretas"),
    "procedimentos/compras/~$ocedimento de Compras Diretas.docx": _office_lock("Renato Aguiar Pimenta"),
    "procedimentos/ti/procedimento-de-copia-de-seguranca.pdf": _pdf("procedimento-de-copia-de-seguranca"),
    "procedimentos/ti/remote-access-guide.txt": _as_written("remote-access-guide.txt"),
    "procedimentos/ti/plano-de-continuidade.txt": SampleFile("", bytes),
    "manuais/acervo/Manual de Gestão do Acervo.pdf": _pdf("manual-de-gestao-do-acervo"),
    "manuais/preservacao/política de preservação digital.md": _as_written(
        "politica-de-preservacao-digital.md"
    ),
    "manuais/comunicacao/guia-de-linguagem-simples.md": _as_written("guia-de-linguagem-simples.md"),
    "atas/comite-gestor/Ata 2024-11 (digitalizada).pdf": _scan("ata-comite-gestor-2024-11", seed=2411),
    "atas/comite-gestor/ata-2025-03.md": _as_written("ata-comite-gestor-2025-03.md"),
    "relatorios/anuais/Relatório Anual 2024.pdf": _pdf("relatorio-anual-2024", columns=2),
    "relatorios/anuais/indicadores-2024.csv": _as_written("indicadores-2024.csv"),
    "relatorios/auditoria/informe-de-accesibilidad.docx": _docx("informe-de-accesibilidad"),
    "formularios/pessoas/formulario-de-ferias.docx": _docx("formulario-de-ferias"),
    "formularios/acervo/termo-de-doacao.png": _png("termo-de-doacao"),
    "comunicados/predial/comunicado-evacuacao.jpg": _jpeg("comunicado-evacuacao", seed=9),
}

SAMPLE_FILES: dict[str, SampleFile] = {
    "README.md": _as_written("README.md"),
    "10-Entrada/proposta-de-convenio.md": _as_written("proposta-de-convenio.md"),
    "20-Em-Revisao/politica-de-viagens.md": _as_written("politica-de-viagens.md"),
    **{f"{APPROVED}/{path}": file for path, file in _APPROVED_FILES.items()},
}
