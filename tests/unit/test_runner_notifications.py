"""Promises of the notifications: those who must know are told what happened, how bad it is and what to do."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("apprise", reason="the extra `notify` is not installed")

from runner.after.notifications import Notification, notification_urls, occasion, run_message
from runner.cli.app import app
from runner.config_manager import PipelineConfig
from runner.events import Event, EventLog
from runner.kernels.kernel import kernel_environment
from runner.models import ExecutionMode, ExecutionStatus, PipelineState, now
from runner.record.hooks import EndedRun
from runner.record.report_generator import RunRows, summarize
from runner.record.state_manager import StateManager
from tests.servers.http_receiver import HttpReceiver
from tests.unit.core_notebooks import ended, record_run, record_stage

CONFIG = PipelineConfig().model_dump(mode="json")
NAME = "NIC_ETL_NOTIFY_URLS"


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def run(manager: StateManager, status: str, bad: int = 0, **changes: Any) -> PipelineState:
    config = CONFIG | changes.pop("config", {})
    state = record_run(manager, ExecutionStatus(status), pipeline_config=config, **changes)
    rows = [{"path": "good.md", "status": "ok"}]
    rows += [
        {
            "path": f"{n}.pdf",
            "status": "rejected",
            "message": "It has a password.",
            "remedy": "Upload it open.",
        }
        for n in range(bad)
    ]
    if bad:
        rows.append({"path": "z.pdf", "status": "failed", "message": "It broke.", "remedy": "report it"})
    record_stage(manager, state, "document_processing", products={"processed": rows})
    return state


def told(manager: StateManager, state: PipelineState) -> list[str]:
    return Notification().finish(ended(manager, state))


def received(receiver: HttpReceiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.requests]


def test_a_failure_is_told_with_its_reason_the_next_command_and_the_report(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = run(manager, "failed", error="Qdrant is away.")
    (manager.run_dir(state.execution_id) / "report.html").write_text("")
    with HttpReceiver() as receiver:
        monkeypatch.setenv(NAME, f"json://{receiver.address}/hook")
        assert told(manager, state) == []
    [message] = received(receiver)
    assert message["title"] == "nic-etl: nic_documents failed"
    assert message["type"] == "failure"
    for said in (
        "Qdrant is away.",
        "Documents: 1 ok.",
        f"To continue: nic-etl resume {state.execution_id}",
        f"Report: {manager.run_dir(state.execution_id)}/report.html",
    ):
        assert said in message["message"]
    assert "Points" not in message["message"]  # nothing is known of them


def test_a_partial_run_names_the_first_documents_and_what_to_do_ours_first(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = run(manager, "partial", bad=7)
    with HttpReceiver() as receiver:
        monkeypatch.setenv(NAME, f"json://{receiver.address}")
        assert told(manager, state) == []
    [message] = received(receiver)
    lines = message["message"].splitlines()
    first = lines.index("Documents that need attention:") + 1
    assert lines[first] == "- z.pdf (failed): It broke. What to do: report it."
    assert lines[first + 1] == "- 0.pdf (rejected): It has a password. What to do: Upload it open."
    assert lines[first + 5] == f"… and 3 more: nic-etl show {state.execution_id}"
    assert message["type"] == "warning"
    assert "resume" not in message["message"]


def test_a_run_that_ends_well_is_told_only_after_one_that_did_not(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpReceiver() as receiver:
        monkeypatch.setenv(NAME, f"json://{receiver.address}")
        assert told(manager, run(manager, "success")) == []
        run(manager, "failed")
        run(manager, "success", mode=ExecutionMode.TEST)
        damaged = run(manager, "success")
        (manager.run_dir(damaged.execution_id) / "run.json").write_text("{")
        assert told(manager, run(manager, "success")) == []
        assert told(manager, run(manager, "success")) == []
    [message] = received(receiver)
    assert message["title"] == "nic-etl: nic_documents ended well again"
    assert message["type"] == "success"


def test_a_resumed_run_has_recovered_from_its_own_failure(manager: StateManager) -> None:
    state = run(manager, "success")
    state.resumed = 1
    log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
    log(Event("run_finished", data={"status": "failed"}))
    log(Event("run_finished", data={"status": "success"}))
    log.close()
    assert occasion(manager, state) == "recovered"
    killed = run(manager, "success")
    killed.resumed = 1
    assert occasion(manager, killed) == "success"


def test_the_setting_says_what_is_told(manager: StateManager, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpReceiver() as receiver:
        monkeypatch.setenv(NAME, f"json://{receiver.address}")
        told(manager, run(manager, "cancelled"))
        told(manager, run(manager, "failed", config={"notify_on": []}))
        assert receiver.requests == []
        told(manager, run(manager, "cancelled", config={"notify_on": ["cancelled"]}))
        for mode in (ExecutionMode.TEST, ExecutionMode.RERUN):
            told(manager, run(manager, "failed", mode=mode))
    [message] = received(receiver)
    assert "nic-etl resume" in message["message"]


def test_the_command_to_continue_is_said_once(manager: StateManager) -> None:
    state = run(manager, "failed", error="It broke. To continue: `nic-etl resume r1`.")
    body = run_message(manager, state, summarize(manager, state), "failed")[1]
    assert body.count("resume") == 1


def test_secrets_stay_out_of_messages(manager: StateManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "hush-hush-hush")
    with HttpReceiver() as receiver:
        monkeypatch.setenv(NAME, f"json://{receiver.address}")
        told(manager, run(manager, "failed", error="GitLab refuses hush-hush-hush."))
    assert "GitLab refuses [redacted]." in received(receiver)[0]["message"]


# What cannot be sent


def test_an_address_that_fails_is_a_warning_without_the_address(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = run(manager, "failed")
    with HttpReceiver() as well, HttpReceiver(status=500) as ill:
        monkeypatch.setenv(
            NAME, f"json://user:hushhush@{ill.address}/secret-path, nonsense://x json://{well.address}"
        )
        [warning] = told(manager, state)
        assert len(well.requests) == 1
    assert "address 1 (JSON) did not take it" in warning
    assert "address 2 is none that apprise knows" in warning
    assert "the run is not affected" in warning
    assert "hushhush" not in warning
    assert "secret-path" not in warning
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


def test_without_the_package_or_an_address_the_remedy_is_told(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = run(manager, "failed")
    monkeypatch.setenv(NAME, " , ")
    assert "there is no address in it" in told(manager, state)[0]
    monkeypatch.delenv(NAME)
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "missing"))
    assert f"{NAME}_FILE cannot be read" in told(manager, state)[0]
    monkeypatch.setenv(NAME, "json://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert "pip install 'apprise>=" in told(manager, state)[0]


def test_whatever_goes_wrong_the_run_does_not(manager: StateManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "json://127.0.0.1:1")
    state = run(manager, "failed")
    assert "KeyError" in Notification().finish(EndedRun(manager, state, RunRows(manager, state), {}))[0]


def test_addresses_are_separated_as_people_write_them(tmp_path: Path) -> None:
    several = "json://a/x,mailto://u:p@b?to=c@d,e@f\n  slack://g "
    wanted = ["json://a/x", "mailto://u:p@b?to=c@d,e@f", "slack://g"]
    assert notification_urls({NAME: several}) == wanted
    (tmp_path / "urls").write_text(several)
    assert notification_urls({f"{NAME}_FILE": str(tmp_path / "urls")}) == wanted
    assert notification_urls({}) == []


def test_no_kernel_gets_the_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "json://hush")
    monkeypatch.setenv(f"{NAME}_FILE", "/etc/nic-etl/notify")
    assert not {NAME, f"{NAME}_FILE"} & kernel_environment(["GITLAB_TOKEN"], {}).keys()


@pytest.mark.parametrize("words", [["-p", "notify_urls=json://x"], ["-p", "notify_on=broken"]])
def test_settings_refuse_addresses_and_unknown_occasions(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["config", "show", *words])
    assert done.exit_code != 0
    assert NAME in str(done.exception) or "notify_on" in str(done.exception)


# A stale collection


def call(outputs: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["status", *words, "-p", f"outputs_dir={outputs}"])
    return done.exit_code, done.output


def test_a_stale_collection_is_told_by_cron(
    manager: StateManager, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = run(manager, "success", start_timestamp=now() - timedelta(hours=30))
    record_stage(manager, state, "qdrant_storage")
    with HttpReceiver() as receiver:
        monkeypatch.setenv(NAME, f"json://{receiver.address}")
        assert call(outputs, "--max-age", "2d", "--notify")[0] == 0
        assert receiver.requests == []
        assert call(outputs, "--max-age", "26h", "--notify")[0] == 1
    [message] = received(receiver)
    assert message["title"] == "nic-etl: the collection is out of date"
    assert "last in step 30 h ago" in message["message"]


def test_a_notification_that_was_asked_for_and_has_no_address_says_so(outputs: Path) -> None:
    code, said = call(outputs, "--max-age", "26h", "--notify")
    assert code == 1
    assert "there is no address in it" in said
    assert call(outputs, "--notify")[0] == 2
