"""Promises of the command line: a sentence and a code for each fault, JSON and nothing else for scripts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.cli import app as cli
from runner.config_manager import PipelineConfig, load_config
from runner.errors import StateManagementError
from runner.models import ExecutionStatus, PipelineState
from runner.pipeline.decide import outside_of
from runner.record.state_manager import StateManager
from runner.stages.chain import default_stages
from runner.stages.fingerprint import stage_fingerprint
from runner.tools import run_tool
from tests.unit.command_line import Command, Done, nic_etl
from tests.unit.core_notebooks import record_run, record_stage
from tests.unit.storage_files import leave_store

__all__ = ["nic_etl"]


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def state(manager: StateManager) -> PipelineState:
    """A finished run of two stages."""
    state = record_run(manager, ExecutionStatus.PARTIAL)
    rows = [
        {"path": "a.md", "status": "ok"},
        {
            "path": "b.md",
            "status": "rejected",
            "category": "encrypted",
            "message": "locked",
            "remedy": "open",
        },
    ]
    record_stage(manager, state, "gitlab_ingestion", products={"documents": rows})
    record_stage(manager, state, "text_chunking", metrics={"chunks": 4})
    return state


# What is wrong with the configuration: exit code 2, one sentence, nothing started


@pytest.mark.parametrize(
    "command", [["run"], ["config", "validate"], ["plan"], ["rerun", "gitlab_ingestion"]]
)
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("chunksize=300", "did you mean 'chunk_size'?"),
        ("chunk_size=big", "must be a whole number"),
        ("chunk_size=5000", "set chunk_size to at most"),
        ("source_path=/nowhere/at/all", "source_path /nowhere/at/all does not exist"),
        ("gitlab_token=hush-hush", "set the environment variable GITLAB_TOKEN"),
        ("chunk_size", "write it as name=value"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    nic_etl: Command, outputs: Path, state: PipelineState, command: list[str], setting: str, said: str
) -> None:
    done = nic_etl(*command, "-p", setting)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
    assert "hush" not in done.err
    assert len(list((outputs / "runs").iterdir())) == 1


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("chunksize: 300", "(profile mine): did you mean 'chunk_size'?"),
        ("qdrant_api_key: hush-hush", "set the environment variable QDRANT_API_KEY"),
        ("- a", "must be a list of `name: value` lines"),
        ("a: [", "cannot be read"),
        ("embedding_model: packaged/nope", "the packaged ones are"),
    ],
)
def test_a_wrong_profile_is_one_sentence(nic_etl: Command, tmp_path: Path, profile: str, said: str) -> None:
    (tmp_path / "mine.yaml").write_text(profile)
    done = nic_etl("run", "--profile", str(tmp_path / "mine.yaml"))
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "hush" not in done.err
    assert len(done.err.splitlines()) == 1


def test_an_unknown_profile_is_answered_with_the_near_one(nic_etl: Command) -> None:
    done = nic_etl("run", "--profile", "produktion")
    assert done.code == 2
    assert "did you mean 'production'?" in done.err


def test_a_wrong_variable_of_the_environment_is_named(
    nic_etl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_CHUNKSIZE", "300")
    done = nic_etl("run")
    assert done.code == 2
    assert "environment variable NIC_ETL_CHUNKSIZE" in done.err


def test_several_problems_are_a_line_each_and_json_for_scripts(nic_etl: Command) -> None:
    words = ("config", "validate", "-p", "source_path=/nowhere", "-p", "chunk_size=5000")
    assert len(nic_etl(*words).err.splitlines()) == 2
    done = nic_etl(*words, "--json")
    assert (done.code, done.err, done.json["valid"]) == (2, "", False)
    assert len(done.json["problems"]) == 2


@pytest.mark.parametrize("command", [["run"], ["plan"], ["config", "validate"]])
def test_every_wrong_setting_is_named_at_once_whatever_is_wrong_with_it(
    nic_etl: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    (tmp_path / "mine.yaml").write_text("chunksize: 300\nqdrant_api_key: hush-hush\n")
    monkeypatch.setenv("NIC_ETL_BATCHSIZE", "3")
    wrong = ("max_pages=many", "qdrant_collection.hnsw_mm=3", "source_path=/nowhere/at/all")
    done = nic_etl(
        *command, "--profile", str(tmp_path / "mine.yaml"), *[x for one in wrong for x in ("-p", one)]
    )
    assert (done.code, done.out) == (2, "")
    told = done.err.splitlines()
    for name in ("BATCHSIZE", "chunksize", "qdrant_api_key", "max_pages", "hnsw_mm", "/nowhere/at/all"):
        assert len([line for line in told if name in line]) == 1, name
    assert len(told) == 6
    assert "hush" not in done.err


def test_a_setting_that_is_wrong_by_itself_accuses_no_other(nic_etl: Command, tmp_path: Path) -> None:
    # Whether the folder is there, or the overlap fits, nobody knows before the first one is right.
    settings = ("source=gut", "target_folder=absent", "chunk_size=big", "chunk_overlap=400")
    done = nic_etl("config", "validate", "--json", *[word for one in settings for word in ("-p", one)])
    assert (done.code, done.err, done.json["valid"]) == (2, "", False)
    assert [line.split()[0] for line in done.json["problems"]] == ["source", "chunk_size"]


def test_a_setting_may_be_written_as_two_words_as_papermill_has_it(nic_etl: Command) -> None:
    def shown(*words: str) -> tuple[int, int]:
        settings = nic_etl("config", "show", *words, "--json").json
        return settings["chunk_size"], settings["chunk_overlap"]

    assert shown("-p", "chunk_size", "300", "--parameter", "chunk_overlap", "7") == (300, 7)
    assert shown("-p", "chunk_size", "300", "-p", "chunk_overlap=7") == (300, 7)
    assert "chunk_overlap (command line) is '-1'" in nic_etl("run", "-p", "chunk_overlap", "-1").err
    done = nic_etl("config", "show", "-p", "chunk_size", "--json")
    assert (done.code, "-p chunk_size: write it as name=value" in done.err) == (2, True)


def test_a_valid_configuration_is_called_so(nic_etl: Command) -> None:
    done = nic_etl("config", "validate")
    assert (done.code, done.out) == (0, "The configuration (profile local) is valid.\n")
    assert nic_etl("config", "validate", "--json").json == {"valid": True, "problems": [], "warnings": []}


# Showing


def test_config_show_prints_one_json_document_and_nothing_else(nic_etl: Command) -> None:
    done = nic_etl("config", "show", "--json", "-p", "chunk_size=321")
    assert (done.code, done.err) == (0, "")
    assert done.json["chunk_size"] == 321
    assert set(done.json) == set(PipelineConfig.model_fields)


def test_config_show_says_where_each_value_comes_from(nic_etl: Command) -> None:
    done = nic_etl("config", "show", "-p", "chunk_size=321")
    line = next(line for line in done.out.splitlines() if line.startswith("chunk_size"))
    assert line.split()[:4] == ["chunk_size", "321", "command", "line"]


@pytest.mark.parametrize("command", ["status", "show", "resume", "cancel", "history"])
def test_where_there_is_no_run_the_way_to_one_is_told(nic_etl: Command, command: str) -> None:
    done = nic_etl(command)
    if command == "history":
        assert (done.code, done.out) == (0, "There is no run yet: start one with `nic-etl run`.\n")
        assert nic_etl("history", "--json").json == []
    elif command == "cancel":
        assert (done.code, done.err) == (2, "No run is going on.\n")
    else:
        assert (done.code, done.out) == (2, "")
        assert done.err == "There is no run yet: start one with `nic-etl run`.\n"


def test_a_run_is_shown_in_words_and_as_json(nic_etl: Command, state: PipelineState) -> None:
    done = nic_etl("show", state.execution_id[:9])
    assert done.code == 0
    for said in ("b.md", "locked", "open", "text_chunking", "Status: partial"):
        assert said in done.out
    shown = nic_etl("show", "--json").json
    assert shown["execution_id"] == state.execution_id
    assert [(row["path"], row["status"]) for row in shown["outcomes"]] == [
        ("b.md", "rejected"), ("a.md", "ok"),
    ]  # fmt: skip


def test_one_stage_of_a_run_is_shown(nic_etl: Command, manager: StateManager, state: PipelineState) -> None:
    done = nic_etl("show", state.execution_id, "text_chunking")
    assert ["chunks", "4"] in [line.split() for line in done.out.splitlines()]
    assert nic_etl("show", "latest", "text_chunking").out == done.out
    assert nic_etl("show", "text_chunking").out == done.out
    assert f"Executed notebook: {manager.run_dir(state.execution_id)}/01_text_chunking.ipynb" in done.out
    shown = nic_etl("show", "", "text_chunking", "--json").json
    assert shown["result"]["metrics"] == {"chunks": 4}

    state.stages["text_chunking"].notebook = ""
    manager.save_checkpoint(state)
    assert "Executed notebook" not in nic_etl("show", "", "text_chunking").out


def test_a_stage_or_run_that_is_not_there_is_answered_with_those_there_are(
    nic_etl: Command, state: PipelineState
) -> None:
    done = nic_etl("show", "", "chunking")
    assert done.code == 2
    assert "has no stage 'chunking': it has gitlab_ingestion, text_chunking." in done.err
    done = nic_etl("show", "1999")
    assert done.code == 2
    assert "No run's id begins with '1999'" in done.err


def test_status_and_history_are_shown_in_words_and_as_json(nic_etl: Command, state: PipelineState) -> None:
    for command in ("status", "history"):
        assert state.execution_id in nic_etl(command).out
    assert nic_etl("status", "--json").json["stages"] == {
        "gitlab_ingestion": "success", "text_chunking": "success",
    }  # fmt: skip
    [record] = nic_etl("history", "--json").json
    assert (record["execution_id"], record["status"]) == (state.execution_id, "partial")


def test_the_plan_is_shown_in_words_and_as_json(nic_etl: Command) -> None:
    assert "it has not been executed yet" in nic_etl("plan").out
    planned = nic_etl("plan", "--json").json
    assert [stage["action"] for stage in planned] == ["run"] * 6
    assert planned[0]["stage"] == "gitlab_ingestion"


def test_a_secret_of_the_environment_is_never_printed(
    nic_etl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "hush-hush-hush")
    done = nic_etl("config", "show", "--json", "-p", "organization=hush-hush-hush")
    assert done.json["organization"] == "[redacted]"
    assert "hush" not in nic_etl("run", "-p", "chunk_size=hush-hush-hush").err


# Runs in which nothing changed, which need no kernel


@pytest.fixture
def settled(manager: StateManager, outputs: Path, tmp_path: Path) -> PipelineState:
    """A run of the six stages after which neither the source nor the store has changed."""
    (tmp_path / "docs" / "30-Aprovados").mkdir(parents=True)
    (tmp_path / "docs" / "30-Aprovados" / "a.md").write_text("# A")
    leave_store(outputs)
    overrides = {"source_path": str(tmp_path / "docs"), "outputs_dir": str(outputs)}
    config = load_config(None, overrides).config
    state = record_run(manager, pipeline_config=config.model_dump(mode="json"))
    upstream: dict[str, str] = {}
    for stage in default_stages():
        checkpoint = record_stage(
            manager,
            state,
            stage.name,
            notebook=stage.notebook.name,
            products={"documents": [{"path": "a.md", "status": "ok"}]},
            fingerprint=stage_fingerprint(stage, config, upstream),
            metrics={"points": {"total": 3, "upserted": 3}},
        )
        checkpoint.outside = outside_of(stage, config, manager)
        upstream[stage.name] = str(manager.absolute(checkpoint.notebook))
    manager.save_checkpoint(state)
    return state


def test_a_run_with_nothing_to_do_says_so(
    nic_etl: Command, settled: PipelineState, outputs: Path, tmp_path: Path
) -> None:
    words = ("run", "-p", f"source_path={tmp_path}/docs")
    done = nic_etl(*words)
    assert done.code == 0
    assert done.out.count("carried over") >= 6
    assert f"gitlab_ingestion: nothing changed, carried over from {settled.execution_id}" in done.out
    assert "Points: 3 in the collection (0 upserted, 3 unchanged, 0 deleted)." in done.out
    assert not (outputs / "logs").exists()  # no kernel

    quiet = nic_etl(*words, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")  # cron would mail it
    script = nic_etl(*words, "--json")
    assert (script.code, script.err) == (0, "")
    assert script.json["documents"]["unchanged"] == 1
    assert set(script.json) == {
        "execution_id", "status", "documents", "points", "stages", "duration_seconds",
    }  # fmt: skip


def test_a_resumed_run_that_has_everything_ends_well(
    nic_etl: Command, manager: StateManager, settled: PipelineState
) -> None:
    settled.status = ExecutionStatus.FAILED
    manager.save_checkpoint(settled)
    done = nic_etl("resume", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["execution_id"], done.json["status"]) == (settled.execution_id, "success")


def test_a_changed_source_is_seen(nic_etl: Command, settled: PipelineState, tmp_path: Path) -> None:
    words = ("plan", "--json", "-p", f"source_path={tmp_path}/docs")
    assert {stage["action"] for stage in nic_etl(*words).json} == {"carry over"}
    (tmp_path / "docs" / "30-Aprovados" / "b.md").write_text("# B")
    assert nic_etl(*words).json[0]["action"] == "run"


# Refusals before anything starts


def test_a_rerun_of_what_is_not_there_is_refused(nic_etl: Command) -> None:
    done = nic_etl("rerun", "chunking")
    assert done.code == 2
    assert "There is no stage 'chunking': the stages are gitlab_ingestion," in done.err
    done = nic_etl("rerun", "text_chunking")
    assert done.code == 2
    assert "text_chunking needs document_processing, which has not been executed" in done.err


def test_a_rerun_takes_the_settings_of_the_last_run_unless_a_profile_is_named(
    nic_etl: Command, manager: StateManager, state: PipelineState
) -> None:
    state.pipeline_config = PipelineConfig(chunk_size=5000).model_dump(mode="json")
    manager.save_checkpoint(state)
    assert "chunk_size (5000) is more than" in nic_etl("rerun", "gitlab_ingestion").err
    assert "needs document_processing" in nic_etl("rerun", "text_chunking", "--profile", "local").err


def test_a_run_that_ended_well_is_not_resumed(nic_etl: Command, manager: StateManager) -> None:
    record_run(manager)
    done = nic_etl("resume")
    assert done.code == 2
    assert "nothing to resume" in done.err


def test_a_second_run_is_refused_with_the_first_one_named(nic_etl: Command, manager: StateManager) -> None:
    with manager.lock("the-first"):
        done = nic_etl("run", "--json")
    assert done.code == 2
    assert "Another run holds the-first" in done.err
    assert done.json == {"error": done.err.strip()}


def test_an_outputs_folder_that_cannot_be_made_is_told(nic_etl: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = nic_etl("history", "-p", f"outputs_dir={tmp_path}/file/x")
    assert done.code == 2
    assert done.err.startswith("outputs_dir: the folder ")


def test_a_fault_of_the_disk_is_a_sentence(nic_etl: Command, outputs: Path, state: PipelineState) -> None:
    (outputs / "run.lock").mkdir()  # refused by the operating system, not by us
    done = nic_etl("run")
    assert done.code == 2
    assert done.err.startswith("outputs_dir: the folder ")
    assert "run.lock" in done.err
    assert len(done.err.splitlines()) == 1


def test_usage_is_explained(nic_etl: Command) -> None:
    assert nic_etl("--help").code == 0
    assert nic_etl("run", "--no-such-option").code == 2
    assert nic_etl("search", "question", "--top", "0").code == 2


# Tools in a process of their own


def test_a_tool_answers_a_request_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo.py").write_text("def tool(**request):\n    print('noise')\n    return request\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    request = {"question": "ação?", "top": 5}
    assert run_tool("echo", request) == request


def test_a_tool_that_fails_is_told_by_its_last_words() -> None:
    with pytest.raises(StateManagementError, match="No module named 'no_such_tool'") as failure:
        run_tool("no_such_tool", {})
    assert failure.value.exit_code == 1


def test_a_search_without_a_store_is_one_sentence(nic_etl: Command) -> None:
    done = nic_etl("search", "prazo de incidentes", "--json")
    assert done.code == 1
    assert "run `nic-etl run` first" in done.json["error"]
    assert len(done.err.splitlines()) == 1


# The command as a process of its own


def process(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1", **environment},
        check=False,
        timeout=60,
    )


def test_as_a_process_it_ends_with_the_code_and_the_sentence(tmp_path: Path) -> None:
    done = process("run", "-p", "chunksize=1", NIC_ETL_OUTPUTS_DIR=str(tmp_path / "o"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "There is no setting 'chunksize' (command line): did you mean 'chunk_size'?"
    )
    assert not (tmp_path / "o").exists()


def test_as_a_process_it_prints_json_and_nothing_else(tmp_path: Path) -> None:
    done = process("config", "show", "--json", NIC_ETL_OUTPUTS_DIR=str(tmp_path / "o"))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["outputs_dir"] == str(tmp_path / "o")


def test_a_request_to_end_is_no_error(nic_etl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(**_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(cli, "app", killed)
    assert nic_etl() == Done(130, "", "")


def test_a_run_that_goes_on_is_ended_by_cancel(nic_etl: Command, outputs: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from runner.cli import app as cli, entry\n"
        "from runner.record.state_manager import StateManager\n"
        "def run():\n"
        "    with StateManager(Path(sys.argv[1])).lock('r1'): print('locked', flush=True); time.sleep(60)\n"
        "cli.app = lambda standalone_mode: run()\n"
        "entry.main()"
    )
    command = [sys.executable, "-c", script, str(outputs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "locked\n"
        done = nic_etl("cancel", "--reason", "wrong folder")
        assert run.wait(10) == 130
        assert run.stderr is not None
        assert run.stderr.read() == ""
    assert (done.code, done.out.startswith("r1 ended in ")) == (0, True)
    assert "wrong folder" in (outputs / "audit.jsonl").read_text()
