"""Promises of the pages: what they tell to type, open or look at is there, under that name."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from runner.cli.app import app
from runner.config_manager import PipelineConfig, load_config
from stagekit.ingestion.patterns import PathPatterns

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "README.pt-BR.md", "SECURITY.md", "CONTRIBUTING.md")
PAGES = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = {"stagekit": "stage_notebooks/stagekit"}  # as the code imports it
GONE = {"duplicate_of"}  # named where a page says that there is none any more
SHELL_ENDS = {"|", "||", "&&", "&", ">", ">>", "<"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path) -> list[str]:
    """Return the contents of a page's fenced blocks, with lines that go on joined."""
    found = re.findall(r"^ *```[\w-]*\n(.*?)^ *```", page.read_text("utf-8"), re.M | re.S)
    return [re.sub(r"\\\n\s*", " ", block) for block in found]


def spans(page: Path) -> list[str]:
    """Return what stands between backticks in a page's prose."""
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.M | re.S)
    return [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", prose)]


def command_lines(page: Path) -> Iterator[tuple[list[str], bool]]:
    """Yield what follows `nic-etl` on a page, and whether it is a whole line of a block."""
    for span in spans(page):
        if found := re.match(r"(?:\S*/)?nic-etl ([a-z-].*)", span):
            yield words_of(found[1]), False
    lines = [re.sub(r"(^|\s)#.*", "", line) for block in blocks(page) for line in block.splitlines()]
    for line in (line for line in lines if "─" not in line):  # but not the drawings
        for rest in re.findall(r"(?:^|[\s/(])nic-etl ([a-z-].*)", line):
            yield words_of(rest), True


def words_of(text: str) -> list[str]:
    """Return the words of a command line, up to where the shell begins another one."""
    words = shlex.split(text, comments=True)
    return words[: next((at for at, word in enumerate(words) if word in SHELL_ENDS), len(words))]


@cache
def root() -> Any:
    return typer.main.get_command(app)


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that words name, and what they give to it."""
    command = root()
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]!r}: {words}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pages
def test_every_command_is_one_with_options_and_settings_that_exist(page: Path) -> None:
    for words, whole in command_lines(page):
        command, given = resolve([word.rstrip(",.") for word in words])
        known = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        } | {"--help"}
        options = [word.partition("=")[0] for word in given if re.match(r"--?[a-z]", word)]
        assert set(options) <= known, f"{command.name}: {set(options) - known}"
        settings = [given[at + 1].partition("=")[0] for at, word in enumerate(given[:-1]) if word == "-p"]
        assert {name for name in settings if name != "name"} <= PipelineConfig.model_fields.keys()
        if whole and "…" not in "".join(given):
            command.make_context(str(command.name), list(given)).close()  # also arguments, types, choices


@pages
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitLab and GitHub make them."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.M | re.S)
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in re.findall(r"^#+ (.+)$", text, re.M))
    return {title.strip().replace(" ", "-") for title in titles}


@pages
def test_every_make_target_module_and_file_that_is_named_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    code = [*(line for block in blocks(page) for line in block.splitlines()), *spans(page)]
    for text in code:
        for target in re.findall(r"^(?:\S+=\S+ )*make ([a-z-]+)", text):
            assert target in targets, text
        for module in re.findall(r"python -m ((?:runner|stagekit|tests)[\w.]*)", text):
            assert find_spec(module), text
    for span in spans(page):
        if re.fullmatch(r"(runner|stagekit|stage_notebooks|tests|config|docs|findings)/[\w./-]*", span):
            first, _, rest = span.partition("/")
            assert (ROOT / FOLDERS.get(first, first) / rest).exists(), span


@cache
def names_in_code() -> frozenset[str]:
    """Return every word of code and configuration, and of the pages' own programs, which other tests run."""
    found = {word for page in PAGES for block in blocks(page) for word in re.findall(r"\w+", block)}
    for folder in ("runner", "stage_notebooks", "config", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".ipynb", ".yaml", ".json"} and path != Path(__file__):
                found.update(re.findall(r"\w+", path.read_text("utf-8")))
    return frozenset(found | set(re.findall(r"\w+", (ROOT / "pyproject.toml").read_text())))


@pages
def test_every_setting_field_and_variable_between_backticks_is_one_of_the_code(page: Path) -> None:
    named = {span for span in spans(page) if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", span)}
    named = {name.removeprefix("nic_etl_") for name in named} - GONE
    assert named <= names_in_code(), named - names_in_code()
    variables = {
        name for text in [*blocks(page), *spans(page)] for name in re.findall(r"NIC_ETL_([A-Z_]+)\b", text)
    }
    settings = {name.upper() for name in PipelineConfig.model_fields} | {"NAME", "PROFILE"}
    for name in variables - settings:
        assert f"NIC_ETL_{name}" in names_in_code() or name.endswith("_FILE"), name


def test_the_profile_of_the_readme_can_be_loaded_and_is_the_same_in_both_languages(tmp_path: Path) -> None:
    found = [
        next(block for block in blocks(ROOT / name) if block.startswith("# nic.yaml"))
        for name in ("README.md", "README.pt-BR.md")
    ]
    assert found[0] == found[1]
    profile = tmp_path / "nic.yaml"
    profile.write_text(found[0])
    config = load_config(str(profile), {}).config
    assert (config.source, config.layout_profile, config.embedding_model) == (
        "gitlab",
        "docling",
        "BAAI/bge-m3",
    )


def test_the_job_for_gitlab_ci_keeps_the_report_of_the_last_run(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operation.md").read_text("utf-8")
    (line,) = re.findall(r"^ +- (mkdir -p nic-etl-report .*)$", text, re.M)
    for name in ("20260101T000000.000Z-aaaaaa", "20260102T000000.000Z-bbbbbb"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "report.html").write_text(name)
    subprocess.run(
        [shutil.which("sh") or "sh", "-c", line.replace("/var/lib/nic-etl", str(tmp_path))],
        cwd=tmp_path,
        check=True,
    )
    assert (tmp_path / "nic-etl-report" / "report.html").read_text() == name


def test_patterns_of_paths_match_what_the_page_says() -> None:
    text = (ROOT / "docs" / "declarations.md").read_text("utf-8")
    table = text[text.index("| pattern | matches | does not match |") :]
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", table, re.M)
    assert len(rows) > 6
    for pattern, *cells in rows:
        patterns = PathPatterns.of([pattern])
        for cell, matches in zip(cells, (True, False), strict=True):
            for path in re.findall(r"`([^`]+)`", cell):
                assert bool(patterns.matching(path)) is matches, (pattern, path)


def test_the_figures_of_memory_are_those_that_were_measured() -> None:
    measured = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    rows = re.findall(
        r"^\| ([\d,]+)(?: short documents)? \| (\d+) MB \| (\d+) MB \|$",
        (ROOT / "docs" / "requirements.md").read_text("utf-8"),
        re.M,
    )
    assert len(rows) == 3
    for documents, kernel, runner in rows:
        assert re.search(rf"\b{documents} (?:short )?documents \| {kernel}, {runner} MB \|", measured)
