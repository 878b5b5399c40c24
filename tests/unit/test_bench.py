"""The parts of the benchmark: its clock, its split into phases, its verdicts, its peers."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.bench.__main__ import beside_peer, main
from tests.bench.chain_phases import Noted, chain_phases, noted_seconds, read_notes
from tests.bench.contestants import ROOT, Result, Workplace, make_result
from tests.bench.converting import main as measure_converting
from tests.bench.corpus import write_corpus
from tests.bench.peer_runs import PEERS, Peer, environment_folder
from tests.bench.processes import measure, role_of
from tests.bench.report import (
    BARE,
    CHAIN,
    NOTHING,
    ON_DEMAND,
    ONE,
    TWO,
    checkpointing_shares,
    medians,
    peer_targets,
    phase_ratios,
    ratio,
    render,
    targets,
)
from tests.bench.specification import (
    benchmark_checkpoint_overhead,
    benchmark_memory_efficiency,
    benchmark_pipeline_throughput,
)
from tests.crash.tiny_model import write_tiny_model


def run(number: int, contestant: str, kind: str, wall: float, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"round": number, "contestant": contestant, "run": kind, "wall_s": wall}
    made |= {"cpu_s": wall, "peak_rss_mb": 100.0, "peak_pss_mb": 80.0}
    made |= {"roles": {"runner": 100.0}, "cpu_roles": {"runner": wall}}
    return made | {"phases": {"checkpointing": wall / 100}, "counts": {"texts": 0}, "noted": {}} | more


# The clock


def test_a_command_is_measured_with_what_it_starts(tmp_path: Path) -> None:
    child = "import time; x = bytearray(90_000_000); time.sleep(0.8)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    done = measure([sys.executable, "-c", parent], env=dict(os.environ), cwd=tmp_path)

    assert (done.code, done.output.strip()) == (0, "done")
    assert done.wall_s >= 0.8
    assert done.cpu_s > 0
    assert done.peak_rss_mb > 90
    assert done.cpu_roles["other"] > 0
    assert done.begin <= time.time()


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="longer than 0.3 s"):
        measure(["sleep", "30"], env=dict(os.environ), cwd=tmp_path, timeout_s=0.3)


@pytest.mark.parametrize(
    ("command", "name", "role"),
    [
        (["python", "-m", "runner", "run"], "python", "runner"),
        (["python", "-m", "runner.kernels.fork_server", "7"], "python", "fork server"),
        (["python", "-m", "runner.kernels.fork_server", "7"], "02_document_pro", "kernel 02"),
        (["python", "-P", "-m", "stagekit.workers.main", "8", "9"], "python", "document workers"),
        (["python", "-m", "runner.kernels.fork_server", "7"], "workers", "document workers"),
        (["python", "tests/bench/bare_script.py", "s.json", "out"], "python", "script"),
        (["/bin/sh", "-c", "read _"], "sh", "other"),
    ],
)
def test_each_process_has_a_role(command: list[str], name: str, role: str) -> None:
    assert role_of(command, name) == role


# The phases


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run of one stage: start-up 2 s, kernel 1 s, cells of 1, 4, 2 and 1 s, report 1 s, end 1 s."""
    sources = ["# title", "stage = open_stage('x')", "stage.map_documents(rows)", "plot", "stage.finish()"]
    kinds = ["markdown", "code", "code", "code", "code"]
    cells: list[dict[str, Any]] = [
        {"cell_type": kind, "id": f"cell-{at}", "metadata": {}, "source": source}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for at, (kind, source) in enumerate(zip(kinds, sources, strict=True))
    ]
    cells[3]["metadata"] = {"tags": ["display"]}
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "03_text_chunking.ipynb").write_text(json.dumps(notebook))
    moments: list[tuple[str, float, dict[str, int]]] = [("run_started", 2.0, {}), ("stage_started", 2.0, {})]
    moments += [("cell", at, {"number": number}) for number, at in enumerate((3.0, 3.0, 4.0, 8.0, 10.0), 1)]
    moments += [("stage_finished", 11.0, {}), ("run_finished", 12.0, {})]
    lines = [
        {"at": at, "kind": kind, "stage": "" if kind.startswith("run_") else "text_chunking", **data}
        for kind, at, data in moments
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return tmp_path


def test_the_time_of_a_run_is_split_by_what_was_done(run_dir: Path) -> None:
    phases = chain_phases(run_dir, 0.0, 13.0)

    assert {name: seconds for name, seconds in phases.items() if seconds} == {
        "start-up": 2 + 1 + 1 + 1,  # the command, the kernel, the imports, the end
        "chunking": 4,
        "showing": 2,
        "checkpointing": 1,
        "reporting": 1,
    }
    assert sum(phases.values()) == 13


def test_what_was_saved_inside_the_work_is_no_part_of_it(run_dir: Path) -> None:
    notes = [
        Noted(5.0, 5.5, "03", "03", "checkpointing", "Memo.put", "1", 0.1),
        Noted(5.0, 6.0, "03", "worker", "checkpointing", "ArtifactStore.put", "2", 0.2),
        Noted(5.0, 6.0, "03", "worker", "checkpointing", "ArtifactStore.put", "3", 0.2),
        Noted(9.0, 9.5, "", "runner", "checkpointing", "StateManager.audit", "4", 0.1),
    ]
    phases = chain_phases(run_dir, 0.0, 13.0, notes)

    assert phases["chunking"] == 4 - 0.5 - 1  # the workers save side by side
    assert phases["showing"] == 1.5
    assert phases["checkpointing"] == 1 + 0.5 + 1 + 0.5
    assert noted_seconds(notes)["checkpointing"]["03 worker ArtifactStore.put"] == (2, 0.4)


def test_notes_are_read_but_for_a_line_that_a_kill_cut_short(tmp_path: Path) -> None:
    (tmp_path / "7.tsv").write_text("1.0\t2.5\t0.25\t03\t03\tcheckpointing\tMemo.put\n3.0\t4")

    assert read_notes(tmp_path) == [Noted(1.0, 2.5, "03", "03", "checkpointing", "Memo.put", "7", 0.25)]


# The verdicts


def test_ratios_are_taken_within_a_round() -> None:
    runs = [run(0, BARE, "full", 10), run(0, ONE, "full", 11)]
    runs += [run(1, BARE, "full", 50), run(1, ONE, "full", 60)]  # the machine was busy
    runs += [run(2, BARE, "full", 10), run(2, ONE, "full", 10)]

    assert ratio(runs, (ONE, "full"), (BARE, "full")) == 1.1
    assert ratio(runs, (TWO, "full"), (BARE, "full")) is None
    assert medians(runs)[ONE, "full"]["wall_s"] == 11


def test_each_target_is_met_or_not_or_not_measured() -> None:
    runs = [run(0, BARE, "full", 10), run(0, ONE, "full", 12)]

    found = {target.name: (target.value, target.met) for target in targets(runs, 2)}
    assert found["chain / bare, 1 worker, full run"] == (1.2, False)
    assert found["chain / bare, 2 workers, full run"] == (None, None)
    assert found["checkpointing / wall clock, 1 worker, full run"] == (0.01, True)


def test_the_targets_of_the_specification_are_met_or_missed() -> None:
    def result(wall: float, documents: int, peak: float, saving: float) -> Result:
        more = {"peak_pss_mb": peak, "phases": {"checkpointing": saving}, "counts": {"documents": documents}}
        figures = run(0, CHAIN, "full", wall, **more)
        return Result(**{field.name: figures[field.name] for field in fields(Result)})

    runs = {
        "small_batch": result(360, 10, 900, 1),
        "large_batch": result(360, 40, 5000, 18),
        "incremental": result(36, 40, 800, 1),
    }
    found = benchmark_pipeline_throughput(runs)
    assert [(target.value, target.met) for target in found] == [(100, True), (400, False), (4000, True)]
    [memory] = benchmark_memory_efficiency(runs)
    assert (memory.value, memory.met) == (5000, False)
    [saving] = benchmark_checkpoint_overhead(runs)
    assert (saving.value, saving.met) == (0.05, True)


def test_how_far_two_workers_could_come_is_told_beside_how_far_they_came() -> None:
    runs = [run(0, BARE, "full", 10), run(0, TWO, "full", 9, cpu_s=17.0)]

    found = {target.name: (target.value, target.met) for target in targets(runs, 2)}
    assert found["chain / bare, 2 workers, full run"] == (0.9, False)
    assert found["  if its processor time filled all cores"] == (0.85, None)
    told = next(
        line for line in render(runs, (BARE, "full"), targets(runs, 2)).splitlines() if "filled" in line
    )
    assert told.split()[-1] == "0.850"


def test_each_phase_is_compared_on_its_own() -> None:
    runs = [run(0, BARE, "full", 10, phases={"converting": 8.0, "embedding": 2.0, "storing": 0.01})]
    runs += [run(0, ONE, "full", 12, phases={"converting": 8.0, "checkpointing": 0.3, "storing": 0.02})]
    runs += [run(0, TWO, "full", 6, phases={"converting": 4.0, "checkpointing": 0.3})]

    assert phase_ratios(runs) == {
        "converting": {"1 worker / bare": 1.0, "2 workers / bare": 0.5, "2 workers / 1": 0.5},
        "checkpointing": {"1 worker / bare": None, "2 workers / bare": None, "2 workers / 1": 1.0},
    }
    assert checkpointing_shares(runs) == {(ONE, "full"): 0.025, (TWO, "full"): 0.05}
    lines = {
        line.split("  ")[1]: line.split()
        for line in render(runs, (BARE, "full"), []).splitlines()
        if line[:2] == "  "
    }
    assert lines["of wall clock"][-2:] == ["2.5%", "5.0%"]
    assert lines["converting"][-3:] == ["1.000", "0.500", "0.500"]


def test_the_best_peer_counts() -> None:
    runs = [run(0, CHAIN, kind, 1) for kind in ("full", "nothing changed", "rename")]
    for name, slower in (("CocoIndex", 5), ("LangChain", 20)):
        runs += [run(0, name, "full", slower, peak_rss_mb=400.0), run(0, name, "nothing changed", slower)]

    runs.append(run(0, "CocoIndex", ON_DEMAND, 2))

    found = {target.name: (target.value, target.met) for target in peer_targets(runs)}
    assert found["nothing changed / best peer"] == (0.2, False)
    assert found["the same / CocoIndex with Docling imported on demand"] == (0.5, False)
    assert found["full / best peer"] == (0.2, True)
    assert found["peak memory / CocoIndex, full, sum of RSS"] == (0.25, True)
    assert found["texts embedded after a rename"] == (0, True)


def test_the_table_shows_runs_phases_memory_and_verdicts() -> None:
    runs = [run(0, BARE, "full", 10), run(0, ONE, "full", 12), run(0, ONE, "nothing changed", 1)]
    text = render(runs, (BARE, "full"), targets(runs, 2))

    assert "1.200" in text
    assert "NOT met" in text
    assert "not measured" in text
    assert "checkpointing" in text
    assert "runner" in text


# The peers


def test_the_peers_are_pinned_and_live_outside_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert environment_folder().is_relative_to(tmp_path)
    assert all("==" in package for _, packages in PEERS.values() for package in packages)
    assert all((ROOT / "tests/bench/peers" / script).is_file() for script, _ in PEERS.values())


def test_who_installs_the_project_installs_no_peer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + [
        line for extra, lines in project["optional-dependencies"].items() if extra != "dev" for line in lines
    ]
    peers = {line.partition("==")[0] for _, packages in PEERS.values() for line in packages}

    assert not peers & {Requirement(line).name for line in asked}


def test_peers_can_be_installed_beside_the_versions_that_they_share_with_the_project() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    pinned = dict(line.split("==") for _, packages in PEERS.values() for line in packages)

    assert pinned == pinned | {name: locked[name] for name in pinned.keys() & locked.keys()}


def test_a_peer_that_fails_leaves_the_others_their_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_corpus(tmp_path / "corpus", 1)
    place = Workplace.make(tmp_path / "place", tmp_path / "corpus", {})

    # LangChain is not installed beside nic-etl: its script ends with an error.
    assert list(beside_peer(place, Peer("LangChain", Path(sys.executable), "native"))) == []
    assert "LangChain ended with exit code 1" in capsys.readouterr().out


def test_cocoindex_runs_without_changes_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "corpus", 1)
    place = Workplace.make(tmp_path / "place", tmp_path / "corpus", {})
    words: list[tuple[str, ...]] = []
    done = make_result(measure([sys.executable, "-c", ""], env={}, cwd=tmp_path), {}, {}, {})
    monkeypatch.setattr("tests.bench.__main__.run_peer", lambda *given: words.append(given[2:]) or done)

    kinds = [kind for kind, _ in beside_peer(place, Peer("CocoIndex", Path(sys.executable), "native"))]
    assert kinds == ["full", NOTHING, ON_DEMAND, "one changed", "rename"]
    assert words == [(), (), ("on-demand",), (), ()]


@pytest.mark.slow
def test_the_benchmark_runs_from_documents_to_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "bench.json"
    model = write_tiny_model(tmp_path / "model")  # two documents: neither needs a model to be read
    words = ["--documents", "2", "--rounds", "1", "--workers", "1", "-p", f"embedding_model={model}"]
    code = main([*words, "-p", "chunk_size=100", "-p", "chunk_overlap=20", "--json", str(record)])

    assert code == 0
    said = capsys.readouterr().out
    assert "Seconds by phase" in said
    found = json.loads(record.read_text())
    assert [(one["contestant"], one["run"]) for one in found["runs"]] == [
        (BARE, "full"),
        (ONE, "full"),
        (ONE, "nothing changed"),
        (ONE, "one changed"),
    ]
    bare, full, nothing, changed = found["runs"]
    assert bare["counts"]["points"] == full["counts"]["points"] > 0
    assert bare["counts"]["texts"] == full["counts"]["texts"] > changed["counts"]["texts"] > 0
    assert (nothing["counts"]["texts"], nothing["counts"]["stages"]) == (0, 0)
    assert full["phases"]["converting"] > 0
    assert full["noted"]["checkpointing"]
    assert {"runner", "fork server", "document workers"} <= full["roles"].keys()
    assert found["checkpointing_shares"][f"{ONE} | full"] > 0
    assert found["phase_ratios"]["start-up"]["1 worker / bare"] > 0
    keys = {"documents", "rounds", "settings", "machine", "runs", "phase_ratios", "checkpointing_shares"}
    assert keys | {"targets"} == found.keys()


# The converter alone


def test_converting_is_measured_by_format_with_the_share_of_its_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in write_corpus(tmp_path, 2):
        assert path.suffix in {".md", ".docx"}
    (tmp_path / "empty.md").touch()
    measure_converting(["--folder", str(tmp_path), "--no-ocr", "--json"])
    costs = json.loads(capsys.readouterr().out)

    assert {name: cost["documents"] for name, cost in costs.items()} == {"md": 2, "docx": 1, "all": 3}
    assert 0 < costs["docx"]["second_reader_s"] < costs["docx"]["cpu_s"] <= costs["all"]["cpu_s"]
    assert 0 < costs["all"]["checks"] < 1
