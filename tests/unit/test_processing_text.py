"""Text files, front matter, properties, and the joining of lines."""

import datetime as dt
import io

import docx
import pytest
from docling_core.types.doc import DocItemLabel, ListItem, SectionHeaderItem

from stagekit.declared.decoding import decode_html, decode_text, looks_like_text
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


BODY = "A licitação observa a publicação do edital. Órgão à parte. " * 5


@pytest.mark.parametrize(
    ("byte", "read"), [(b"\x96", "–"), (b"\x93", "“"), (b"\xe7", "ç"), (b"\x87", "ç"), (b"\x00", "")]
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_foreign_byte_in_a_text_spoils_nothing_but_itself(byte, read, mark):
    assert decode_text(mark + BODY.encode() + b"fim" + byte)[0] == f"{BODY}fim{read}"


def test_a_mark_of_utf_8_before_a_text_of_eight_bits_spoils_nothing():
    content = b"\xef\xbb\xbf" + BODY.encode("cp1252")
    assert decode_text(content)[0] == decode_html(content)[0] == BODY
    assert looks_like_text(content)


def test_words_of_utf_8_in_a_text_of_eight_bits_spoil_nothing_but_themselves():
    quoted = "“AMANHÃ” – “MANHÃ”, 5º, não."  # what looks like UTF-8 and is none
    pasted = "LICITAÇÃO: ação nº 5 – “órgão” a 3° § 2º"
    for body in (BODY, quoted):
        content = body.encode("cp1252") * 9 + pasted.encode() + body.encode("cp1252")
        assert decode_text(content) == (f"{body * 9}{pasted}{body}", "cp1252")


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
@pytest.mark.parametrize("byte", [b"\x81", b"\x00"])
def test_a_foreign_byte_in_a_text_of_eight_bits_spoils_nothing_but_itself(encoding, byte):
    assert decode_text(BODY.encode(encoding) + byte)[0].startswith(BODY)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("iso-8859-1", "cp1252"), ("utf-8", "cp1252"), ("iso-8859-1", "utf-8"), ("utf-16", "utf-8"),
     ("windows-1252", "cp1252"), ("cp850", "cp850"), ("nonsense", "utf-8")],
)  # fmt: skip
def test_a_page_is_read_in_the_encoding_of_its_bytes_whatever_it_declares(declared, encoding):
    page = f"<meta charset={declared}><p>{BODY}</p>"
    assert decode_html(page.encode(encoding))[0] == page


def test_a_foreign_byte_in_a_page_spoils_nothing_but_itself():
    for declared in ("utf-8", "iso-8859-1"):
        page = f"<meta charset={declared}><p>{BODY}"
        assert decode_html(page.encode() + b"\x96")[0] == f"{page}–"


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


NORM = """RESOLUÇÃO Nº 9, DE 2 DE MAIO DE 2024

Art. 1º O empréstimo de equipamentos depende de autorização da chefia imediata e de termo assi-
nado pelo interessado.
§ 1º O termo fica arquivado por cinco anos:
I - na unidade de origem, em pasta própria, com o registro do número de cada um dos bens;
II - no sistema.
a) em formato aberto;

Equipamento     Prazo       Multa por dia
projetor        3 dias      R$ 10,00
computador      30 dias     R$ 25,00

ANEXO II
Assinatura: ____________
"""


def test_the_clauses_of_a_norm_begin_lines_of_their_own_and_divided_words_are_closed():
    document = text_to_document(NORM, "d")
    first = (
        "Art. 1º O empréstimo de equipamentos depende de autorização da chefia imediata e de termo assinado "
        "pelo interessado."
    )
    assert [item.text for item in document.texts][1:7] == [
        first,
        "§ 1º O termo fica arquivado por cinco anos:",
        "I - na unidade de origem, em pasta própria, com o registro do número de cada um dos bens;",
        "II - no sistema.",
        "a) em formato aberto;",
        "ANEXO II",
    ]
    assert headings(document) == [("RESOLUÇÃO Nº 9, DE 2 DE MAIO DE 2024", 1), ("ANEXO II", 1)]


@pytest.mark.parametrize(
    "lines",
    [
        [
            "Equipamento     Prazo       Multa",
            "projetor        3 dias      R$ 10",
            "quadro                      R$ 5",
        ],
        ["Equipamento\tPrazo\tMulta", "projetor\t3 dias\tR$ 10", "quadro\t1 dia\tR$ 5"],
        ["| Equipamento | Prazo | Multa |", "|---|---|---|", "| projetor | 3 dias | R$ 10 |"],
        ["+-----+----+", "| Equipamento | Prazo | Multa |", "+=====+====+", "| projetor | 3 dias | R$ 10 |"],
        [
            "  Equipamento   Prazo    Multa",
            "  -----------   -----    -----",
            "  projetor      3 dias   R$ 10",
        ],
    ],
)
def test_aligned_columns_are_a_table(lines):
    grid = text_to_document("\n".join(lines), "d").tables[0].data.grid
    assert [cell.text for cell in grid[0]] == ["Equipamento", "Prazo", "Multa"]
    assert [cell.text for cell in grid[1]] == ["projetor", "3 dias", "R$ 10"]


@pytest.mark.parametrize(
    "lines",
    [
        ["A reserva é feita com cinco     dias de antecedência no",
         "sistema, pela chefia, que a     confirma por escrito e a",
         "publica no mural da unidade     de origem do servidor."],
        ["____________     ____________", "Ana Lima         Rui Reis"],
        ["O   servidor   apresentará   o   pedido   à   unidade   de",
         "pessoal,  que  o  leva  à  chefia   no   prazo   de   cinco",
         "dias úteis,   contados   da  data  do  protocolo  do  ato."],
        ["Rua das Flores, 10", "Vale Verde"],
        ["def f(x):", "    return x"],
        ["O prazo  é de dez dias.", "Findo ele, arquiva-se."],
    ],
)  # fmt: skip
def test_other_text_is_no_table(lines):
    document = text_to_document("\n".join(lines), "d")
    assert document.tables == []
    assert " ".join(item.text for item in document.texts).split() == " ".join(lines).split()


def test_a_division_of_a_norm_is_a_heading_with_its_name_and_a_clause_is_none():
    document = text_to_document(
        "CAPÍTULO II\nDAS PENALIDADES\nArt. 2º A multa é de dez reais.\n\nParágrafo único. Sem juros\n\n"
        "O texto que segue é longo o bastante para que a linha de cima pareça um título.",
        "d",
    )
    assert headings(document) == [("CAPÍTULO II DAS PENALIDADES", 1)]


def test_lines_with_columns_that_are_no_table_stay_lines():
    lines = [
        "Os valores das taxas    foram revistos em    2024 pelo conselho da casa",
        "Os prazos das obras     foram mantidos em    2023 pela chefia imediata",
    ]
    assert len(text_to_document("\n".join(lines), "d").texts) == 2


def test_an_underlined_heading_needs_no_blank_line():
    document = text_to_document("Objeto\n------\nO texto da norma vem logo abaixo.", "d")
    assert headings(document) == [("Objeto", 1)]
    assert document.texts[1].text == "O texto da norma vem logo abaixo."


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
        "inter|americano",
        "ca|fé",
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
        "má|fé",
        "boa|fé",
        "corregedor|geral",
        "subprocuradora|geral",
        "luso|brasileiro",
        "ibero|americana",
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
