"""Text files, front matter, properties, and the joining of lines."""

import datetime as dt
import io

import docx
import pytest
from docling_core.types.doc import DocItemLabel, ListItem, SectionHeaderItem

from stagekit.declared.decoding import decode_text, looks_like_text
from stagekit.declared.keys import usable_title
from stagekit.declared.office import office_properties
from stagekit.declared.pdf_info import pdf_properties
from stagekit.processing.pdf.hyphenation import Vocabulary, join_lines
from stagekit.processing.text.plain_text import text_to_document

SENTENCE = "Atenção: a sessão não será à noite; ação útil nº 1 – “pública”.\nNova linha."


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_a_text_is_read_in_whatever_encoding_it_was_saved(encoding):
    assert decode_text(SENTENCE.encode(encoding))[0] == SENTENCE


@pytest.mark.parametrize("encoding", ["cp850", "mac_roman"])
def test_portuguese_text_from_dos_and_old_macintosh_keeps_its_accents(encoding):
    text = "Situação: não há exceções à autorização da Câmara."
    assert decode_text(text.encode(encoding)) == (text, encoding)


def test_bytes_that_windows_1252_does_not_know_are_still_read():
    assert decode_text(b"caf\xe9 \x81\x8d\x90\x9d\xd2\xf0\xff")[0].startswith("caf")


def test_line_ends_of_all_systems_become_line_feeds():
    assert decode_text(b"a\r\nb\rc\n")[0] == "a\nb\nc\n"


def test_binary_data_is_not_taken_for_text():
    assert not looks_like_text(bytes(range(256)) * 20)
    assert looks_like_text(SENTENCE.encode("utf-16"))


def headings(document):
    return [(item.text, item.level) for item in document.texts if isinstance(item, SectionHeaderItem)]


def test_obvious_headings_of_a_plain_text_are_headings():
    document = text_to_document(
        "POLÍTICA DE ACESSO\n\n1. Objeto\n\nEsta política trata do acesso aos sistemas internos.\n\n"
        "1.1. Redes\n\nA rede sem fio é separada da rede administrativa.\n\n"
        "Como pedir\n\n- pelo portal\n- por telefone\n\nTítulo\n------\n\nMais um parágrafo de texto.\n\n"
        "MARIA DA SILVA",
        "document",
    )
    assert headings(document) == [
        ("POLÍTICA DE ACESSO", 1),
        ("1. Objeto", 1),
        ("1.1. Redes", 2),
        ("Como pedir", 1),
        ("Título", 1),
    ]


def test_plain_text_is_not_taken_for_markdown():
    document = text_to_document(
        "# comentário de um arquivo.\n\nUse *asteriscos* e _sublinhados_ à vontade.", "d"
    )
    assert headings(document) == []
    assert [item.text for item in document.texts] == [
        "# comentário de um arquivo.",
        "Use *asteriscos* e _sublinhados_ à vontade.",
    ]


def test_lists_of_a_plain_text_are_lists():
    document = text_to_document(
        "Documentos:\n\n- RG\n- CPF, que pode\n  ser digital\n\n1) primeiro\n2) segundo", "d"
    )
    items = [
        (item.marker, item.text, item.enumerated) for item in document.texts if isinstance(item, ListItem)
    ]
    assert items == [
        ("-", "RG", False),
        ("-", "CPF, que pode ser digital", False),
        ("1)", "primeiro", True),
        ("2)", "segundo", True),
    ]


def test_wrapped_lines_are_joined_and_short_lines_stay_apart():
    wrapped = (
        "O servidor deve apresentar o pedido com trinta dias\n"
        "de antecedência, salvo nos casos de urgência que\n"
        "a chefia reconhecer."
    )
    address = "Prefeitura de Vale Verde\nRua das Flores, 10"
    document = text_to_document(f"{wrapped}\n\n{address}", "d")
    assert [item.text for item in document.texts] == [
        wrapped.replace("\n", " "),
        "Prefeitura de Vale Verde",
        "Rua das Flores, 10",
    ]
    assert all(item.label == DocItemLabel.TEXT for item in document.texts)


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["a administra-", "ção pública"], "a administração pública"),
        (["deve dirigir-", "se ao balcão"], "deve dirigir-se ao balcão"),
        (["é preciso fazê-", "lo hoje"], "é preciso fazê-lo hoje"),
        (["fizeram-", "no ontem"], "fizeram-no ontem"),
        (["toda segunda-", "feira"], "toda segunda-feira"),
        (["se pudes-", "se vir"], "se pudesse vir"),
        (["o exercício 2023-", "2024"], "o exercício 2023-2024"),
        (["a norma ISO-", "IEC"], "a norma ISO-IEC"),
        (["prazo -", "trinta dias"], "prazo - trinta dias"),
        (["com\u00adpu\u00ad", "tador"], "computador"),
        (["", " só uma linha "], "só uma linha"),
    ],
)
def test_a_hyphen_at_a_line_end_goes_only_where_it_splits_a_word(lines, joined):
    assert join_lines(lines) == joined


@pytest.mark.parametrize(
    "word",
    [
        "pre|sidente",
        "pre|feitura",
        "co|missão",
        "ex|pediente",
        "ex|posição",
        "inter|valo",
        "auto|rização",
        "sub|metido",
        "sem|pre",
        "análi|se",
        "ba|se",
        "para|lisação",
        "ouvi|doria",
        "credencia|mento",
        "licita|tório",
        "contra|tação",
        "co|autor",
        "re|eleição",
        "anti|corrupção",
        "contratual|mente",
        "porta|ria",
    ],
)
def test_a_word_that_a_line_end_divides_is_one(word):
    assert join_lines([f"na forma da lei, o {word.split('|')[0]}-", word.split("|")[1]]).endswith(
        word.replace("|", "")
    )


@pytest.mark.parametrize(
    "word",
    [
        "sub|região",
        "ex|diretor",
        "bem|estar",
        "segunda|feira",
        "aplica|se",
        "inter|regional",
        "auto|observação",
        "far-se|á",
        "diretor|geral",
        "salário|família",
        "técnico|administrativo",
        "meio|dia",
        "vice|presidente",
        "recém|nascido",
        "pré|escolar",
        "anti|inflamatório",
        "super|requintado",
        "mão-de|obra",
        "decreto|lei",
        "micro|ondas",
    ],
)
def test_a_hyphen_that_belongs_to_the_word_stays(word):
    assert join_lines([f"na forma da lei, o {word.split('|')[0]}-", word.split("|")[1]]).endswith(
        word.replace("|", "-")
    )


def test_the_words_of_the_document_itself_decide_first():
    of = Vocabulary.of
    assert join_lines(["o sub-", "sistema"], of(["todo sub-sistema tem dono"])) == "o sub-sistema"
    assert join_lines(["o vale-", "transporte"], of(["o valetransporte é pago"])) == "o valetransporte"
    assert join_lines(["a Tekno-", "lab"], of([])) == "a Teknolab"


def test_the_language_of_the_document_says_which_words_there_are():
    english = Vocabulary.of(["the rules of the board are in this book, and it is read by the staff-"])
    assert english.language == "en"
    assert join_lines(["a data-", "base"], english) == "a database"
    assert join_lines(["uma data-", "base"], Vocabulary.of(["não é o dia da data do pagamento"])) == (
        "uma data-base"
    )
    assert Vocabulary.of(["el uso de la sala y los libros en el edificio"]).language == "es"


def test_halves_of_divided_words_are_no_words_of_the_document():
    words = Vocabulary.of(["o regula-", "mento da casa"]).words
    assert words == {"o", "da", "casa"}


def test_pdf_dates_are_told_in_utc_and_nonsense_is_left_out():
    found = pdf_properties(
        {
            "Title": " Manual ",
            "Author": "",
            "Keywords": "rede; senha, rede",
            "CreationDate": "D:20240510093000-03'00'",
            "ModDate": "D:20241399",
        }
    )
    assert found == {"title": "Manual", "keywords": ["rede", "senha"], "created": "2024-05-10T12:30:00Z"}
    assert pdf_properties({"CreationDate": "ontem", "ModDate": "D:2024"}) == {
        "modified": "2024-01-01T00:00:00Z"
    }


def test_word_properties_are_read():
    document = docx.Document()
    document.core_properties.title = "Plano"
    document.core_properties.author = "Ana"
    document.core_properties.content_status = "Final"
    document.core_properties.created = dt.datetime(2024, 1, 2, 3, 4, 5)
    stream = io.BytesIO()
    document.save(stream)
    found = office_properties(stream.getvalue())
    assert found["title"] == "Plano"
    assert found["author"] == "Ana"
    assert found["content_status"] == "Final"
    assert found["created"] == "2024-01-02T03:04:05Z"


@pytest.mark.parametrize(
    "title",
    [None, "", "Microsoft Word - oficio.doc", "untitled", "(anonymous)", "Documento1", "relatorio.docx"],
)
def test_a_title_that_a_program_wrote_is_no_title(title):
    assert usable_title(title) is None


def test_a_real_title_is_kept():
    assert usable_title("  Plano  Anual ") == "Plano Anual"
