"""Whatever stands in an executed notebook or in the state, its readers answer or say what is wrong.

A few seconds of the fuzzing that ``python -m tests.fuzz`` goes on with; the inputs are the same each time.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stagekit.base.plain_json import parse_json, require_plain
from stagekit.contract import artifact_refs
from tests.fuzz.cases import keep, kept, make, tried
from tests.fuzz.corpus import Corpus
from tests.fuzz.mutations import HOSTILE, change_value, json_bytes
from tests.fuzz.recipes import RECIPES
from tests.integration.conftest import SampleRun, sample_run
from tests.own_process import in_own_process

__all__ = ["sample_run"]

EXAMPLES = {"notebook": 6, "record": 6, "manifest": 6, "huge_table": 2}  # of each other recipe: 4


@pytest.fixture(scope="module")
def corpus(sample_run: SampleRun) -> Corpus:
    return Corpus.of(sample_run.outputs)


def quiet_libraries() -> None:
    # They log and warn about what they are given; the tests are about what comes of it.
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")


@in_own_process
def test_the_readers_find_nothing_wrong_with_a_whole_run(corpus: Corpus) -> None:
    quiet_libraries()
    assert tried(corpus, {}) == []


@pytest.mark.parametrize("recipe", sorted(RECIPES))
@in_own_process
def test_what_is_damaged_is_read_or_refused_with_a_sentence_and_nothing_else_happens(
    corpus: Corpus, recipe: str, tmp_path: Path
) -> None:
    quiet_libraries()

    @settings(
        max_examples=EXAMPLES.get(recipe, 4),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=st.integers(0, 2**32))
    def read(seed: int) -> None:
        _, changes = make(corpus, seed, recipe)
        wrong = tried(corpus, changes, recipe)
        assert not wrong, (str(keep(tmp_path / "input.json", changes)), *wrong)

    read()


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(chance=st.randoms(use_true_random=False), start=st.sampled_from([list(HOSTILE), {"a": [{}]}]))
def test_any_text_is_a_plain_value_or_a_value_error_and_references_are_found_in_it(
    chance: object, start: object
) -> None:
    data = json_bytes(change_value(chance, start, 3))  # type: ignore[arg-type]
    try:
        value = parse_json(data)
    except ValueError:
        return
    assert all(ref.uri for ref in artifact_refs(value))
    try:
        require_plain(value)
    except ValueError:
        return
    json.dumps(value, ensure_ascii=False).encode()


def test_an_input_that_failed_can_be_kept_and_tried_again(corpus: Corpus, tmp_path: Path) -> None:
    _, changes = make(corpus, 7, "notebook")

    assert kept(keep(tmp_path / "inputs" / "seven.json", changes)) == changes
    assert make(corpus, 7, "notebook")[1] == changes


@in_own_process
def test_a_reader_that_opens_another_file_or_starts_a_program_is_found_out(tmp_path: Path) -> None:
    import subprocess
    import sys

    from tests.fuzz.guard import Violation, watched

    (tmp_path / "inside").mkdir()
    (tmp_path / "outside.txt").write_text("x")
    with pytest.raises(Violation, match=r"outside\.txt"), watched(tmp_path / "inside"):
        (tmp_path / "inside" / ".." / "outside.txt").read_text()
    with pytest.raises(Violation, match="subprocess"), watched(tmp_path / "inside"):
        subprocess.run([sys.executable, "-c", ""], check=True)
