"""Promises of what the terminal shows: no word is broken, and files hold names in one piece."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest

from runner.cli.layout.tables import print_table, wrapped
from runner.terminal import TerminalConsole

LONG = (
    "30-Aprovados/procedimentos/Gerência de Gestão de Pessoas/Subprocessos de Avaliação/"
    "Relatório_circunstanciado_de_acompanhamento_das_metas_institucionais_2024_2025_da_comissao.pdf"
)
REMEDY = "Remove the password and commit the document again, or put it into NIC_ETL_PDF_PASSWORDS."
COLUMNS = ("status", "document", "why", "what to do")
ROWS = [("rejected", LONG, "The PDF is protected.", REMEDY), ("failed", "a/b.pdf", "It broke.", None)]


def shown(width: int, *, terminal: bool, **options: object) -> list[str]:
    console = TerminalConsole(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    print_table(console, "Documents", COLUMNS, ROWS, **options)  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()]


@pytest.mark.parametrize("width", [40, 80, 100])
def test_rows_that_have_no_room_become_lists_whose_words_are_whole(width: int) -> None:
    lines = shown(width, terminal=True, lead=2)
    assert all(len(line) <= width for line in lines)
    words = set(re.findall(r"\w+", " ".join(lines).replace("_ ", "_").replace("_", " ")))
    assert set(re.findall(r"\w+", f"{LONG} {REMEDY}".replace("_", " "))) <= words
    assert lines[1].startswith("rejected  30-Aprovados/")
    assert any(line.startswith("    why: The PDF is protected.") for line in lines)
    assert lines[-2:] == ["failed  a/b.pdf", "    why: It broke."]


def test_where_there_is_room_rows_are_a_table() -> None:
    lines = shown(320, terminal=True)
    assert len(lines) == 4
    assert lines[1].split()[:2] == ["status", "document"]
    assert lines[2].startswith(f"rejected  {LONG}  The PDF is protected.  {REMEDY}")


def test_a_sentence_is_wrapped_between_words_in_its_column() -> None:
    console = TerminalConsole(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    rows = [("gitlab_ingestion", "carry over", "nothing changed since the run of yesterday evening")]
    print_table(console, "", ("stage", "do", "because"), rows)
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines == [
        "stage             do          because",
        "gitlab_ingestion  carry over  nothing changed since the run",
        "                              of yesterday evening",
    ]


def test_in_a_file_or_a_mail_a_name_stays_in_one_piece() -> None:
    lines = shown(160, terminal=False, lead=2, names={"document"})
    assert f"rejected  {LONG}" in lines
    assert "    why: The PDF is protected." in lines


def test_figures_stand_to_the_right_below_a_heading_of_two_lines() -> None:
    console = TerminalConsole(file=io.StringIO(), width=22, force_terminal=True, color_system=None)
    print_table(console, "", ("stages executed", "MB", "run"), [(6, "1,024.5", "r1"), (10, None, "r2")])
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines == [
        "  stages",
        "executed       MB  run",
        "       6  1,024.5  r1",
        "      10           r2",
    ]


def test_letters_with_separate_accents_and_control_signs_are_measured_as_they_are_shown() -> None:
    name = unicodedata.normalize("NFD", "é" * 30)
    assert wrapped(f"{name} {name}", 61) == [f"{name} {name}"]
    assert wrapped(f"{name} {name}", 60) == [name, name]
    console = TerminalConsole(file=io.StringIO(), width=30, force_terminal=True, color_system=None)
    print_table(console, "", ("name", "figure"), [("a\x9bb\x1b[31m", "1")])
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[1] == "a\\x9bb␛[31m       1"


@pytest.mark.parametrize(("terminal", "lines"), [(True, 2), (False, 1)])
def test_a_sentence_is_broken_between_words_on_a_screen_only(terminal: bool, lines: int) -> None:
    console = TerminalConsole(file=io.StringIO(), width=40, force_terminal=terminal, color_system=None)
    sentence = "There is no setting [red]chunk_sise[/red]: did you mean 'chunk_size'? All are listed there."
    console.print(sentence, soft_wrap=True, highlight=False)
    console.print("x" * 50, soft_wrap=True)
    console.print("a path with blanks that is longer than the screen.pdf", soft_wrap=True, no_wrap=True)
    assert isinstance(console.file, io.StringIO)
    told = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()
    assert len(told) == lines + 2
    assert " ".join(told[:lines]) == sentence.replace("[red]", "").replace("[/red]", "")
    assert told[lines:] == ["x" * 50, "a path with blanks that is longer than the screen.pdf"]
