"""Promises to whoever reads stored sentences in Portuguese: a document neither slows nor rewrites them."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from docling_core.types.doc import BoundingBox

from runner.record.audit import AuditLog
from runner.wording import choose_language, worded
from runner.wording.recognition import recognise
from stagekit.processing.pdf.ink.stamps import Stamp, stamp_sentence
from tests.unit.command_line import Command, nic_etl

__all__ = ["nic_etl"]

_ANYWHERE = BoundingBox(l=0, t=1, r=1, b=0)


@pytest.fixture(autouse=True)
def portuguese() -> None:
    choose_language("pt-BR")


@pytest.mark.parametrize("text", [" ( ) is , but it : (default ).", ": ", " is ", '": stamp "', "a. B: c, "])
def test_what_a_document_says_does_not_slow_its_sentence(text: str) -> None:
    began = time.perf_counter()
    for long in (text * 40, text * 800, f'Page 1: stamp "{text * (1_900 // len(text))}".'):
        worded(stamp_sentence(Stamp(1, long, _ANYWHERE)))
        worded(long)
        worded(f"The front matter at the top of the file cannot be read: {long}.")
    assert time.perf_counter() - began < 3


def test_what_a_stamp_says_is_quoted_as_it_stands() -> None:
    said = worded(stamp_sentence(Stamp(3, "The PDF is protected with a password.", _ANYWHERE)))
    assert said == 'Página 3: carimbo "The PDF is protected with a password.".'


def test_a_stamp_that_names_a_draft_is_told_in_portuguese() -> None:
    said = worded(stamp_sentence(Stamp(3, "MINUTA", _ANYWHERE)))
    assert said == 'Página 3: carimbo "MINUTA": um rascunho pode ter passado.'


def test_a_long_stamp_is_quoted_up_to_a_readable_length() -> None:
    assert stamp_sentence(Stamp(1, "abc " * 1_000, _ANYWHERE)).endswith('…".')
    assert len(stamp_sentence(Stamp(1, "abc " * 1_000, _ANYWHERE))) < 200


def test_a_sentence_that_can_be_read_in_two_ways_stays_in_english() -> None:
    code = "{path} holds {value} of {whole}."
    found = recognise("a.md holds 1 of 2.", (code,))
    assert found is not None
    assert found.values == {"path": "a.md", "value": "1", "whole": "2"}
    assert recognise("a of b.md holds 1 of 2.", (code,)) is not None
    assert recognise("a.md holds 1 of 2 of 3.", (code,)) is None
    assert recognise("a holds b.md holds 1 of 2.", (code,)) is None


def test_a_figure_is_a_figure_and_ends_where_it_ends() -> None:
    code = "{count} of {whole}."
    found = recognise("1,234 of 5 of 6.", (code,))
    assert found is not None
    assert found.values == {"count": "1,234", "whole": "5 of 6"}
    assert recognise("many of 6.", (code,)) is None


def test_a_text_shorter_than_the_literals_of_a_pattern_does_not_fit_it() -> None:
    assert recognise("aba", ("ab{value}ba",)) is None


def test_a_very_long_line_stays_and_those_around_it_are_worded() -> None:
    long = "x" * 3_000
    said = worded(f"The PDF is protected with a password.\n{long}\nThe file has 0 bytes.")
    assert said == f"O PDF está protegido por senha.\n{long}\nO arquivo tem 0 bytes."


def test_of_several_wrong_settings_each_is_told_in_portuguese(
    nic_etl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_UI_LANGUAGE", "pt-BR")
    told = nic_etl("plan", "-p", "max_pages=-1", "-p", "chunk_size=0").err
    assert "max_pages (linha de comando) é '-1'" in told
    assert "chunk_size (linha de comando) é '0'" in told
    assert "but it" not in told


@pytest.mark.parametrize("words", [["config"], ["audit"], ["state"], ["config", "--help"]])
def test_a_group_without_a_command_prints_its_help_in_portuguese(
    words: list[str], nic_etl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_UI_LANGUAGE", "pt-BR")
    done = nic_etl(*words)
    assert "Comandos" in done.out + done.err
    assert "Commands" not in done.out + done.err


def test_where_the_audit_log_breaks_is_told_in_portuguese(
    nic_etl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = (
        "The chain breaks at line 2 (run of X): it, or what stood before it, was altered, moved or removed."
    )
    monkeypatch.setenv("NIC_ETL_UI_LANGUAGE", "pt-BR")
    monkeypatch.setattr(AuditLog, "verify", lambda _: SimpleNamespace(broken_off=[], fault=fault))
    assert "A corrente se rompe em line 2 (run of X): essa linha" in nic_etl("audit", "verify").out
