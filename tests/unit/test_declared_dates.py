"""Dates are read as people write them, to the one form that a range finds; what is none is left alone."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pytest

from stagekit.declared.dates import parse_day, parse_last_day, parse_timestamp
from stagekit.declared.fields import DeclaredFields
from stagekit.declared.in_force import validity
from stagekit.declared.reader import read_declaration
from stagekit.declared.written_dates import read_written_date
from tests.unit.written_dates import DAYS, MOMENTS


@pytest.mark.parametrize(("written", "language", "day"), DAYS)
def test_a_written_day_is_read_or_is_none(written: object, language: str, day: str | None) -> None:
    assert parse_day(written, language) == day


@pytest.mark.parametrize(("written", "moment"), MOMENTS)
def test_a_written_time_keeps_its_zone(written: object, moment: str | None) -> None:
    assert parse_timestamp(written) == moment


@pytest.mark.parametrize(
    ("written", "day", "moment"),
    [
        (dt.date(2024, 5, 10), "2024-05-10", "2024-05-10T00:00:00Z"),
        (dt.datetime(2024, 5, 10, 14, 30), "2024-05-10", "2024-05-10T14:30:00Z"),
        (
            dt.datetime(2024, 5, 10, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-3))),
            "2024-05-10",
            "2024-05-11T02:30:00Z",
        ),
    ],
)
def test_what_yaml_has_read_as_a_date_is_one(written: dt.date, day: str, moment: str) -> None:
    assert (parse_day(written), parse_timestamp(written)) == (day, moment)


@pytest.mark.parametrize(
    ("written", "last"),
    [
        ("2024", "2024-12-31"),
        ("02/2024", "2024-02-29"),
        ("fevereiro de 2023", "2023-02-28"),
        ("10/05/2024", "2024-05-10"),
        ("2024-05-10T23:30:00-03:00", "2024-05-10"),
        ("D:20240510", "2024-05-10"),
        ("D:20241310", None),
        ("D:20240510120000+99'99'", None),
        ("D: maio", None),
        ("indeterminada", None),
    ],
)
def test_what_is_in_force_until_a_month_or_year_is_so_until_its_last_day(
    written: str, last: str | None
) -> None:
    assert parse_last_day(written) == last


def test_prose_is_no_date_however_long_it_is() -> None:
    assert read_written_date("de " * 100_000 + "2024") is None
    assert read_written_date(" , - " * 20 + "10") is None


DOCUMENT = """---
validade: {written}
vigencia: 2020-01-01
{more}
---

# Norma
"""


@pytest.mark.parametrize(
    ("written", "more", "language", "last"),
    [
        ("2024-05-10", "", "", "2024-05-10"),
        ("20240510", "", "", "2024-05-10"),
        ("2024", "", "", "2024-12-31"),
        ("2024-05-10T23:30:00-03:00", "", "", "2024-05-10"),
        ("10 de maio de 2024", "", "", "2024-05-10"),
        ("05/10/2024", "", "pt-BR", "2024-10-05"),
        ("05/10/2024", "", "en", "2024-05-10"),
    ],
)
def test_front_matter_says_a_day_in_whatever_type_yaml_has_for_it(
    written: str, more: str, language: str, last: str
) -> None:
    said = read_declaration(DOCUMENT.format(written=written, more=more).encode(), "md")
    fields = DeclaredFields(said.front_matter, said.properties)
    assert validity(fields, language) == ("2020-01-01", last)
    assert fields.warnings == []


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("vigência: 01/01/2020 a 31/12/2020", ("2020-01-01", "2020-12-31")),
        ("vigência: de 1º de janeiro de 2020 até o dia 31 de dezembro de 2020", ("2020-01-01", "2020-12-31")),
        ("vigencia: 2020-01-01/2020-12-31", ("2020-01-01", "2020-12-31")),
        ("validade: 2020 – 2022", ("2020-01-01", "2022-12-31")),
        ("vigência: até 31/12/2020", (None, "2020-12-31")),
        ("vigencia: hasta el 31/12/2020", (None, "2020-12-31")),
        ("vigência: a partir de 01/01/2020", ("2020-01-01", None)),
        ("effectiveDate: 2020-01-01\nexpiryDate: 2020-12-31", ("2020-01-01", "2020-12-31")),
        ("Em vigor desde: 2020\nFim da vigência: 2022", ("2020-01-01", "2022-12-31")),
        ("params:\n  expiryDate: 2020-12-31", (None, "2020-12-31")),
        ("validade: 2021\nmetadata:\n  validade: 2020", (None, "2021-12-31")),
        ("regiao:\n  validade: 2020", (None, None)),
    ],
)
def test_days_in_force_are_found_as_people_and_site_generators_say_them(
    said: str, days: tuple[str | None, str | None]
) -> None:
    declared = read_declaration(f"---\ntitle: Norma\n{said}\n---\n# Norma\n".encode(), "md")
    fields = DeclaredFields(declared.front_matter, declared.properties)
    assert validity(fields) == days
    assert fields.warnings == []


def test_a_page_says_until_when_it_is_in_force_and_not_how_long_browsers_keep_it() -> None:
    page = b"<meta http-equiv=expires content=2019-01-01><meta name=DC.expiryDate content=31/12/2020><p>Texto"
    said = read_declaration(page, "html")
    assert validity(DeclaredFields({}, said.properties)) == (None, "2020-12-31")


def test_a_date_that_cannot_be_read_is_named_wherever_a_person_wrote_it() -> None:
    fields = DeclaredFields({"vigencia": "ontem"}, {"custom": {"Validade": "quando der"}})
    assert validity(fields) == (None, None)
    assert fields.warnings == [
        "vigencia: 'ontem' in the front matter is not a usable effective_date",
        "'quando der' in the file's properties is not a usable expiration_date",
    ]


@pytest.mark.parametrize(
    ("content", "created"),
    [
        ("2024-05-10T14:30:00.123456-03:00", "2024-05-10T17:30:00Z"),
        ("10 de maio de 2024", "2024-05-10T00:00:00Z"),
    ],
)
def test_a_page_says_when_it_was_written_with_its_zone(content: str, created: str) -> None:
    page = f'<html><head><meta name="date" content="{content}"></head><body><p>Texto</p></body></html>'
    said = read_declaration(page.encode(), "html")
    assert DeclaredFields({}, said.properties).read("created", parse_timestamp) == created


@pytest.mark.parametrize(
    ("written", "created"),
    [
        ("2024-05-10T14:30:00Z", "2024-05-10T14:30:00Z"),
        ("2024-05-10T23:30:00.1234567-03:00", "2024-05-11T02:30:00Z"),
        ("2024-05", "2024-05-01T00:00:00Z"),
    ],
)
def test_an_office_file_says_when_it_was_made_with_its_zone(written: str, created: str) -> None:
    core = f'<p xmlns:d="http://purl.org/dc/terms/"><d:created>{written}</d:created></p>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("docProps/core.xml", core)
    said = read_declaration(file.getvalue(), "docx")
    assert DeclaredFields({}, said.properties).read("created", parse_timestamp) == created
