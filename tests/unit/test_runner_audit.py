"""An audit log in which nothing can be altered unseen."""

from __future__ import annotations

import getpass
import json
import multiprocessing
import socket
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from runner.cli.app import app
from runner.models import now
from runner.record import audit
from runner.record.audit import AuditLog


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    made = AuditLog(tmp_path)
    for number in range(5):
        made.append("run_finished", {"execution_id": f"run-{number}", "status": "success", "título": "ação"})
    return made


def lines(folder: Path) -> list[str]:
    return (folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()


def rewrite(folder: Path, rows: list[str]) -> None:
    (folder / "audit.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_a_log_that_nobody_touched_is_whole(log: AuditLog, tmp_path: Path) -> None:
    report = log.verify()
    assert (report.lines, report.fault, report.broken_off) == (5, "", ())
    assert report.head == (tmp_path / "audit.head").read_text()
    assert [entry["execution_id"] for entry in log.entries()] == [f"run-{n}" for n in range(5)]


def test_a_line_says_who_did_what_where_and_when_and_one_without_a_moment_is_left_out(
    log: AuditLog, tmp_path: Path
) -> None:
    first = next(log.entries())
    assert (first["user"], first["host"], first["what"]) == (
        getpass.getuser(),
        socket.gethostname(),
        "run_finished",
    )
    assert (first["status"], first["previous"]) == ("success", "0" * 64)
    assert abs((datetime.fromisoformat(first["at"]) - now()).total_seconds()) < 60
    rewrite(
        tmp_path,
        ["[1]", "{", '{"at": "2026-01-01T00:00:00"}', '{"at": 5}', '{"what": "x"}', *lines(tmp_path)[:1]],
    )
    assert [*log.entries()] == [first]


def test_the_first_line_that_was_altered_is_named(log: AuditLog, tmp_path: Path) -> None:
    rows = lines(tmp_path)
    rows[1] = rows[1].replace("success", "failed")
    rewrite(tmp_path, rows)
    # The altered line itself still points to the one before; the next one tells.
    assert "line 3 of audit.jsonl" in log.verify().fault


def test_a_removed_line_shows(log: AuditLog, tmp_path: Path) -> None:
    rows = lines(tmp_path)
    rewrite(tmp_path, [*rows[:2], *rows[3:]])
    assert "line 3 of audit.jsonl" in log.verify().fault


def test_the_removal_of_the_first_line_shows(log: AuditLog, tmp_path: Path) -> None:
    rewrite(tmp_path, lines(tmp_path)[1:])
    assert "line 1 of audit.jsonl" in log.verify().fault


def test_lines_that_changed_places_show(log: AuditLog, tmp_path: Path) -> None:
    rows = lines(tmp_path)
    rows[2], rows[3] = rows[3], rows[2]
    rewrite(tmp_path, rows)
    assert "line 3 of audit.jsonl" in log.verify().fault


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_lines_cut_off_at_the_end_show(log: AuditLog, tmp_path: Path, kept: int) -> None:
    rewrite(tmp_path, lines(tmp_path)[:kept])
    assert "at the end" in log.verify().fault


def test_an_altered_last_line_shows(log: AuditLog, tmp_path: Path) -> None:
    rows = lines(tmp_path)
    rewrite(tmp_path, [*rows[:-1], rows[-1].replace("run-4", "run-9")])
    assert "at the end" in log.verify().fault


def test_a_lost_head_shows(log: AuditLog, tmp_path: Path) -> None:
    (tmp_path / "audit.head").unlink()
    assert "audit.head" in log.verify().fault


def test_an_inserted_line_shows(log: AuditLog, tmp_path: Path) -> None:
    rows = lines(tmp_path)
    rewrite(tmp_path, [*rows[:3], json.dumps({"at": "2026-01-01", "what": "run_started"}), *rows[3:]])
    assert "line 4 of audit.jsonl" in log.verify().fault


def test_a_line_that_a_killed_process_left_unfinished_is_no_fault(log: AuditLog, tmp_path: Path) -> None:
    with (tmp_path / "audit.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"at": "2026-')
    log.append("lock_taken_over", {})
    report = log.verify()
    assert report.fault == ""
    assert report.broken_off == ("line 6 of audit.jsonl",)
    assert [entry["what"] for entry in log.entries()][-1] == "lock_taken_over"


def test_a_log_of_an_earlier_version_goes_on_as_a_chain(tmp_path: Path) -> None:
    rewrite(tmp_path, ['{"at": "2025-01-01T00:00:00+00:00", "what": "run_started"}'] * 2)
    log = AuditLog(tmp_path)
    assert log.verify().fault == ""
    log.append("run_started", {})
    log.append("run_finished", {})
    assert log.verify().fault == ""
    rows = lines(tmp_path)
    rewrite(tmp_path, [rows[0], rows[1].replace("2025", "2024"), *rows[2:]])
    assert "line 3" in log.verify().fault


def test_the_chain_goes_on_in_the_next_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "ROTATE_BYTES", 400)
    log = AuditLog(tmp_path)
    for number in range(40):
        log.append("run_started", {"number": number})
    files = sorted(tmp_path.glob("audit-*.jsonl"))
    assert len(files) > 10  # more than nine: their order is that of the numbers
    report = log.verify()
    assert (report.lines, report.fault) == (40, "")
    assert [entry["number"] for entry in log.entries()] == list(range(40))
    (tmp_path / "audit-3.jsonl").unlink()
    assert "line 1 of audit-4.jsonl" in log.verify().fault


def test_rotation_right_before_the_next_line_keeps_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AuditLog(tmp_path)
    log.append("first", {})
    monkeypatch.setattr(audit, "ROTATE_BYTES", 1)
    log.append("second", {})
    assert not (tmp_path / "audit.jsonl").exists()
    assert log.verify().fault == ""
    log.append("third", {})
    assert [entry["what"] for entry in log.entries()] == ["first", "second", "third"]


def _write(folder: Path, name: str) -> None:
    audit.ROTATE_BYTES = 1000
    for number in range(20):
        AuditLog(folder).append("run_started", {"by": name, "number": number})


def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    report = AuditLog(tmp_path).verify()
    assert (report.lines, report.fault, report.broken_off) == (40, "", ())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_any_altered_byte_shows(log: AuditLog, tmp_path: Path, place: int, byte: int) -> None:
    path = tmp_path / "audit.jsonl"
    whole = path.read_bytes()
    data = bytearray(whole)
    place %= len(data)
    if data[place] == byte:
        return
    data[place] = byte
    path.write_bytes(bytes(data))
    report = log.verify()
    path.write_bytes(whole)
    assert report.fault or report.broken_off


def test_a_line_of_many_kilobytes_is_read_back(log: AuditLog) -> None:
    log.append("prune", {"artifacts": ["x" * 100] * 300})
    log.append("prune", {})
    assert log.verify().fault == ""


# The command line


def call(tmp_path: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", *words, "-p", f"outputs_dir={tmp_path}"])
    return done.exit_code, done.output


def test_the_command_tells_that_the_log_is_whole(log: AuditLog, tmp_path: Path) -> None:
    code, said = call(tmp_path, "verify")
    assert code == 0
    assert "5 lines, whole" in said
    assert log.verify().head in said.replace("\n", "")


def test_the_command_fails_and_names_the_line(log: AuditLog, tmp_path: Path) -> None:
    rewrite(tmp_path, lines(tmp_path)[1:])
    code, said = call(tmp_path, "verify")
    assert code == 1
    assert "line 1 of audit.jsonl" in said
    code, said = call(tmp_path, "verify", "--json")
    assert code == 1
    assert "line 1" in json.loads(said)["fault"]


def test_unfinished_lines_are_told(log: AuditLog, tmp_path: Path) -> None:
    with (tmp_path / "audit.jsonl").open("a", encoding="utf-8") as file:
        file.write("{")
    log.append("x", {})
    code, said = call(tmp_path, "verify")
    assert code == 0
    assert "line 6 of audit.jsonl" in said


def test_the_newest_lines_are_shown(log: AuditLog, tmp_path: Path) -> None:
    _, said = call(tmp_path, "show", "--last", "2")
    assert "run-3" in said
    assert "run-4" in said
    assert "run-2" not in said
    _, said = call(tmp_path, "show", "--json")
    assert len(json.loads(said)) == 5
