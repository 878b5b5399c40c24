"""The bundled sample repository is what its README says, and its builder gives the same bytes again."""

import io
import json
import platform
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import pypdfium2
import pytest
import yaml
from PIL import Image

from config.build_sample_repository import build
from config.sample_builder.catalogue import PASSWORD, SAMPLE_FILES
from config.sample_builder.markup import TEXTS

PROJECT = Path(__file__).parents[2]
SAMPLE = PROJECT / "config" / "sample_repository"
APPROVED = SAMPLE / "30-Aprovados"
QUESTIONS = [
    json.loads(line)
    for line in (PROJECT / "tests" / "sample_questions.jsonl").read_text("utf-8").splitlines()
]

# Elsewhere the last bit of a rotated pixel may differ; the texts are the same everywhere.
RASTER = {".png", ".jpg"} if platform.machine() not in {"x86_64", "AMD64"} else set()


def files_of(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def front_matter(path: Path) -> dict[str, object]:
    loaded = yaml.safe_load(path.read_text("utf-8").split("---\n")[1])
    assert isinstance(loaded, dict)
    return loaded


def text_layer(path: Path, password: str | None = None) -> list[str]:
    document = pypdfium2.PdfDocument(path, password=password)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def collapsed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "repository"
    build(folder)
    return folder


def test_the_builder_writes_exactly_the_files_that_are_committed(rebuilt: Path) -> None:
    committed, built = files_of(SAMPLE), files_of(rebuilt)
    assert set(built) == set(committed) == set(SAMPLE_FILES)
    different = [
        name
        for name, path in built.items()
        if path.suffix not in RASTER
        and not ("digitalizada" in name and RASTER)
        and path.read_bytes() != committed[name].read_bytes()
    ]
    assert different == []


def test_the_builder_does_not_wipe_a_folder_that_is_not_a_sample(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="not a sample repository"):
        build(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_the_sample_is_small_and_has_every_kind_of_document() -> None:
    files = files_of(SAMPLE)
    assert sum(path.stat().st_size for path in files.values()) <= 1.5e6
    assert len(files) >= 16
    suffixes = {path.suffix for path in APPROVED.rglob("*.*")}
    assert suffixes >= {".md", ".txt", ".docx", ".pdf", ".png", ".jpg", ".csv"}


def test_documents_are_in_portuguese_english_and_spanish() -> None:
    languages = [front_matter(path).get("language") for path in APPROVED.rglob("*.md")]
    assert {"pt-BR", "en", "es"} <= set(languages)


def test_the_readme_names_only_files_that_exist() -> None:
    named = re.findall(r"^\| `([^`]+)`", (SAMPLE / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    assert len(named) >= 14
    assert [name for name in named if not (SAMPLE / name).is_file()] == []


def test_markdown_front_matter_names_who_answers_for_a_policy() -> None:
    properties = front_matter(APPROVED / "politicas/seguranca/politica-de-seguranca-da-informacao.md")
    expected = (
        "title description status version document_type tags author reviewer approver department language"
    )
    assert set(expected.split()) | {"effective_date", "expiration_date", "classificacao"} == set(properties)


def test_the_latin_1_text_is_not_utf_8() -> None:
    content = (APPROVED / "procedimentos/atendimento/emprestimo-de-equipamentos.txt").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    assert "PROCEDIMENTO DE EMPRÉSTIMO" in content.decode("latin-1")


def test_one_policy_lies_under_two_paths_with_the_same_bytes() -> None:
    first = APPROVED / "politicas/informacao/politica-de-preservacao-digital.md"
    second = APPROVED / "manuais/preservacao/política de preservação digital.md"
    assert first.read_bytes() == second.read_bytes()


def test_the_draft_the_empty_file_and_the_lock_file_lie_in_the_approved_folder() -> None:
    assert front_matter(APPROVED / "politicas/informacao/politica-de-uso-de-ia.md")["status"] == "draft"
    assert (APPROVED / "procedimentos/ti/plano-de-continuidade.txt").stat().st_size == 0
    lock = APPROVED / "procedimentos/compras/~$ocedimento de Compras Diretas.docx"
    assert lock.stat().st_size == 162
    assert not zipfile.is_zipfile(lock)


def test_the_protected_pdf_opens_only_with_its_password() -> None:
    path = APPROVED / "politicas/pessoas/avaliacao-de-desempenho.pdf"
    with pytest.raises(pypdfium2.PdfiumError, match=r"(?i)password"):
        pypdfium2.PdfDocument(path)
    assert "plano de desenvolvimento" in collapsed(text_layer(path, PASSWORD)[0])


def test_the_scan_has_pages_of_image_and_no_text() -> None:
    pages = text_layer(APPROVED / "atas/comite-gestor/Ata 2024-11 (digitalizada).pdf")
    assert pages == ["", ""]


@pytest.mark.parametrize(
    "name", ["formularios/acervo/termo-de-doacao.png", "comunicados/predial/comunicado-evacuacao.jpg"]
)
def test_images_are_a4_pages_at_150_dpi(name: str) -> None:
    with Image.open(APPROVED / name) as image:
        assert image.size == (1240, 1754)
        assert [round(value) for value in image.info["dpi"]] == [150, 150]
        assert image.format == {"png": "PNG", "jpg": "JPEG"}[name[-3:]]


def digital_pdfs() -> Iterator[tuple[str, str]]:
    yield "politicas/seguranca/Política de Controle de Acesso.pdf", "Otávio Brandt Siqueira"
    yield "procedimentos/ti/procedimento-de-copia-de-seguranca.pdf", "Caio Reverbel Nunes"
    yield "manuais/acervo/Manual de Gestão do Acervo.pdf", "Marina Yoshida Lobo"
    yield "relatorios/anuais/Relatório Anual 2024.pdf", "Tereza Bonfim Arruda"


@pytest.mark.parametrize(("name", "author"), list(digital_pdfs()))
def test_digital_pdfs_have_properties_and_all_words_of_their_source(name: str, author: str) -> None:
    document = pypdfium2.PdfDocument(APPROVED / name)
    properties = document.get_metadata_dict()
    document.close()
    assert properties["Author"] == author
    assert properties["CreationDate"].startswith(("D:2024", "D:2025"))
    source = (TEXTS / SAMPLE_FILES[f"30-Aprovados/{name}"].source).read_text("utf-8").split("---\n", 2)[2]
    words = set(" ".join(text_layer(APPROVED / name)).split())
    assert [
        word for word in re.sub(r"[#|]|^- |---", " ", source, flags=re.MULTILINE).split() if word not in words
    ] == []


def test_the_manual_is_long_enough_for_several_chunks() -> None:
    assert len(text_layer(APPROVED / "manuais/acervo/Manual de Gestão do Acervo.pdf")) >= 6


@pytest.mark.parametrize("path", sorted(APPROVED.rglob("[!~]*.docx")), ids=lambda path: path.stem)
def test_docx_files_have_core_properties_and_a_table(path: Path) -> None:
    document = docx.Document(io.BytesIO(path.read_bytes()))
    properties = document.core_properties
    assert properties.author
    assert properties.title == document.paragraphs[0].text
    assert properties.keywords
    assert properties.revision >= 2
    assert properties.created is not None
    assert properties.modified is not None
    assert properties.created < properties.modified
    assert len(document.tables) == 1


def test_questions_are_of_three_languages_and_some_need_ocr() -> None:
    assert len({question["id"] for question in QUESTIONS}) == 12
    languages = [question["lang"] for question in QUESTIONS]
    assert languages.count("pt") >= 8
    assert {"en", "es"} <= set(languages)
    ocr = [
        q for q in QUESTIONS if "digitalizada" in q["paths"][0] or q["paths"][0].endswith((".png", ".jpg"))
    ]
    assert len(ocr) >= 2


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])
def test_every_question_is_answered_in_its_document_and_in_no_other(question: dict[str, object]) -> None:
    evidence = str(question["evidence"])
    holders = [
        path
        for path, file in SAMPLE_FILES.items()
        if file.source and evidence in collapsed((TEXTS / file.source).read_text("utf-8"))
    ]
    assert holders == question["paths"]
