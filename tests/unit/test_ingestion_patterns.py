"""Promises of include_paths and exclude_paths: a folder is what is in it, and no slip passes in silence."""

import unicodedata

import pytest

from stagekit import StageError
from stagekit.ingestion import FileKind, SelectionRules, SourceFile, select

FOLDER = "30-Aprovados"
PATHS = [
    f"{FOLDER}/ok.md",
    f"{FOLDER}/obsoletos/velho.md",
    f"{FOLDER}/obsoletos/anexos/a.md",
    f"{FOLDER}/[2024] atas/um.md",
    f"{FOLDER}/obsoletos.md",
]


def chosen(include=(), exclude=(), paths=PATHS, folder=FOLDER):
    rules = SelectionRules.from_settings([folder], ["md"], 1, include, exclude)
    files = [SourceFile(path, FileKind.FILE, "b", 1) for path in paths]
    found = select(files, rules, lambda _: b"")
    return {document.entry.path.partition("/")[2] for document in found.documents}, found.warnings


@pytest.mark.parametrize(
    "pattern",
    [
        f"{FOLDER}/obsoletos",
        f"{FOLDER}/obsoletos/",
        f"/{FOLDER}/obsoletos",
        f"./{FOLDER}/obsoletos/*",
        "*/obsoletos",
        "*/obsoletos/*",
        "obsoletos",
        "obsolet?s",
    ],
)
def test_a_pattern_that_matches_a_folder_means_what_is_in_it(pattern):
    assert chosen(exclude=[pattern]) == ({"ok.md", "[2024] atas/um.md", "obsoletos.md"}, [])
    assert chosen(include=[pattern]) == ({"obsoletos/velho.md", "obsoletos/anexos/a.md"}, [])


def test_a_name_with_brackets_means_itself_as_well():
    assert chosen(include=[f"{FOLDER}/[2024] atas"])[0] == {"[2024] atas/um.md"}


def test_every_pattern_that_matches_nothing_is_said_and_the_others_count():
    names, warnings = chosen(exclude=["obsoletos/*", "obsoletos", f"{FOLDER}/obsoletos/velho.md"])
    assert names == {"ok.md", "[2024] atas/um.md", "obsoletos.md"}
    (warning,) = warnings
    assert warning.startswith("exclude_paths: the pattern 'obsoletos/*' matches no file")
    assert chosen(include=["ok.md", "nada"])[1][0].startswith("include_paths: the pattern 'nada'")


def test_patterns_none_of_which_matches_do_not_empty_the_collection():
    with pytest.raises(StageError, match=r"include_paths \(aprovados, nada\) matches no file"):
        chosen(include=["aprovados", "nada"])


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_composed_and_decomposed_letters_are_the_same(stored, typed):
    def written(text):
        return unicodedata.normalize(stored, text)

    folder = unicodedata.normalize(typed, "30-Aprovação")
    paths = [written("30-Aprovação/ata.md"), written("30-Aprovação/versão-não.md")]
    names, warnings = chosen(
        exclude=[unicodedata.normalize(typed, "*/versão-não.md")], paths=paths, folder=folder
    )
    assert (names, warnings) == ({"ata.md"}, [])
