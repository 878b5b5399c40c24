"""Promises to whoever reads Portuguese: no sentence is left out of the catalogue, none says other things."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from runner.config_manager import load_config
from runner.record.state_manager import StateManager
from runner.wording import choose_language, day, language, moment, ngettext, number, worded
from runner.wording.catalogue import _
from runner.wording.recognition import STORED, recognise
from stagekit.contract import ExecutionStatus
from tests.unit.command_line import Command, nic_etl
from tests.unit.report_runs import record_chain
from tests.wording.catalogue_files import MO, compiled, forms, key_of, missing, read_catalogue, updated
from tests.wording.sentences import english_sentences

__all__ = ["nic_etl"]

_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w*)\}(?!\})")
_COMMAND = re.compile(r"`[^`]+`")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return read_catalogue()


def test_every_sentence_of_the_sources_is_in_the_catalogue_and_no_other(catalogue: Catalog) -> None:
    """`make words` enters new sentences and takes out old ones; their words are a person's to write."""
    known = {key_of(message) for message in catalogue if message.id}
    assert known == set(english_sentences())
    assert not [message.id for message in missing(catalogue)]


def test_a_translation_has_the_places_and_the_commands_of_its_sentence(catalogue: Catalog) -> None:
    for message in (one for one in catalogue if one.id):
        wanted = set(_PLACEHOLDER.findall(" ".join(forms(message.id))))
        for said in forms(message.string):
            assert set(_PLACEHOLDER.findall(said)) == wanted, message.id
            for command in _COMMAND.findall(forms(message.id)[0]):
                if command.startswith("`nic-etl"):
                    assert command in said, message.id


def test_what_gettext_reads_is_made_of_what_translators_write(catalogue: Catalog) -> None:
    assert compiled(updated(catalogue)) == MO.read_bytes()


def test_a_stored_sentence_is_read_back_as_its_code_and_values(catalogue: Catalog) -> None:
    choose_language("pt-BR")
    codes = [key_of(message)[1] for message in catalogue if message.id and key_of(message)[0] == STORED]
    for code in codes:
        names = list(dict.fromkeys(_PLACEHOLDER.findall(code)))
        values = {
            name: f"{place + 3}" if name.startswith(("count", "number")) else f"válor/{place}.pdf"
            for place, name in enumerate(names)
        }
        found = recognise(code.format(**values))
        if names:
            assert found is not None, code
            assert found.code.format(**found.values) == code.format(**values)


def test_reasons_of_documents_are_worded_with_their_values() -> None:
    choose_language("pt-BR")
    assert worded("The document has 2,412 pages; the limit is 2000.") == (
        "O documento tem 2\u202f412 páginas; o limite é 2000."
    )
    assert worded("Split the document, or raise max_pages.") == "Divida o documento, ou aumente max_pages."
    broken = (
        "The front matter at the top of the file cannot be read: line 3: it begins here and is never closed."
    )
    assert worded(broken) == (
        "O front matter no começo do arquivo não pode ser lido: linha 3: começa aqui e nunca se fecha."
    )


def test_sentences_one_after_the_other_are_worded_one_by_one_and_the_unknown_stay() -> None:
    choose_language("pt-BR")
    said = "The PDF is protected with a password. Something nobody wrote here. The file has 0 bytes."
    assert worded(said) == (
        "O PDF está protegido por senha. Something nobody wrote here. O arquivo tem 0 bytes."
    )
    assert worded("pikepdf: unexpected token in stream") == "pikepdf: unexpected token in stream"
    assert worded("") == worded(None) == ""


def test_in_english_a_stored_sentence_is_itself() -> None:
    choose_language("en")
    assert worded("The PDF is protected with a password.") == "The PDF is protected with a password."


@pytest.mark.parametrize(
    ("setting", "environment", "spoken"),
    [
        ("auto", {"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ("auto", {"LANG": "pt_PT.UTF-8"}, "pt-BR"),
        ("auto", {"LANG": "C.UTF-8"}, "en"),
        ("auto", {}, "en"),
        ("auto", {"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "pt_BR", "LANG": "pt_BR"}, "en"),
        ("auto", {"LC_ALL": "", "LC_MESSAGES": "pt_BR", "LANG": "en_US.UTF-8"}, "pt-BR"),
        ("en", {"LANG": "pt_BR.UTF-8"}, "en"),
        ("pt-BR", {"LANG": "C"}, "pt-BR"),
    ],
)
def test_the_setting_chooses_the_language_else_the_environment_in_the_usual_order(
    setting: str, environment: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    load_config(None, {"ui_language": setting})
    assert language() == spoken


def test_the_environment_variable_holds_before_any_configuration_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose_language("")
    monkeypatch.setenv("NIC_ETL_UI_LANGUAGE", "pt-BR")
    assert language() == "pt-BR"


def test_numbers_days_and_plurals_have_the_form_of_the_language() -> None:
    at = datetime(2026, 11, 30, 9, 5, tzinfo=UTC)
    choose_language("pt-BR")
    assert (number(1234.5, 1), day("2026-11-30"), moment(at)) == (
        "1\u202f234,5",
        "30/11/2026",
        "30/11/2026 09:05 UTC",
    )
    one, two = (ngettext("{count} document", "{count} documents", n, count=n) for n in (1, 2))
    assert (one, two) == ("1 documento", "2 documentos")
    choose_language("en")
    assert (number(1234.5, 1), day("2026-11-30"), moment(at)) == (
        "1\u202f234.5",
        "2026-11-30",
        "2026-11-30 09:05 UTC",
    )
    assert _("{name} is set", name="X") == "X is set"


def test_the_catalogue_is_part_of_the_wheel(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert MO.relative_to(root).parts[0] in wheel["only-include"]
    assert not [pattern for pattern in wheel["exclude"] if MO.match(pattern)]
    ignored = (root / ".gitignore").read_text().split()
    assert not [pattern for pattern in ignored if MO.match(pattern)]


def test_what_programs_read_is_the_same_in_every_language(
    nic_etl: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = StateManager(outputs)
    rejected = {
        "status": "rejected", "category": "encrypted", "message": "The PDF is protected with a password.",
        "remedy": "Remove the password and commit the document again.",
    }  # fmt: skip
    paths = {f"30-Aprovados/n{number}.md": "v" for number in range(12)}
    state = record_chain(
        manager, paths, outcomes={"30-Aprovados/n1.md": rejected}, status=ExecutionStatus.PARTIAL
    )
    report = manager.run_dir(state.execution_id) / "report.json"
    answers: dict[str, list[object]] = {}
    for spoken in ("pt_BR.UTF-8", "C.UTF-8"):
        monkeypatch.setenv("LC_ALL", spoken)
        said = [nic_etl("show", "--json"), nic_etl("history", "--json"), nic_etl("show", "nothing", "--json")]
        written = nic_etl("report", "--json")
        answers[spoken] = [*((done.code, done.out) for done in [*said, written]), report.read_bytes()]
    assert answers["pt_BR.UTF-8"] == answers["C.UTF-8"]
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    assert "O PDF está protegido por senha." in nic_etl("show").out
    assert "não tem a etapa" in nic_etl("show", "latest", "nothing").err
