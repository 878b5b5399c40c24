"""Promises of the events: all listeners hear each in order, and another process can follow in the log."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from runner.events import Event, EventLog, fan_out, read_events


def test_every_listener_hears_every_event_one_at_a_time() -> None:
    heard: list[tuple[str, str]] = []
    inside = threading.Lock()

    def listener(name: str):  # type: ignore[no-untyped-def]
        def listen(event: Event) -> None:
            assert inside.acquire(blocking=False), "two events at the same time"
            heard.append((name, event.kind))
            inside.release()

        return listen

    tell = fan_out(listener("a"), listener("b"))
    threads = [
        threading.Thread(target=lambda k=kind: [tell(Event(k)) for _ in range(50)]) for kind in ("x", "y")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 200
    assert all(heard[n][0] == "a" and heard[n + 1] == ("b", heard[n][1]) for n in range(0, 200, 2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_a_log_is_read_while_it_is_written(path: Path) -> None:
    log = EventLog(path)
    log(Event("run_started", data={"mode": "full"}, at=1.23456))
    assert read_events(path) == [{"at": 1.235, "kind": "run_started", "stage": "", "mode": "full"}]
    log(Event("documents", "text_chunking", {"done": 1}))
    assert [event["kind"] for event in read_events(path)] == ["run_started", "documents"]
    log.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_resumed_run_goes_on_in_the_same_log(path: Path) -> None:
    for kind in ("first", "second"):
        log = EventLog(path)
        log(Event(kind))
        log.close()
    assert [event["kind"] for event in read_events(path)] == ["first", "second"]


def test_a_line_that_is_still_being_written_is_left_out(path: Path) -> None:
    path.write_bytes(b'{"kind": "a"}\n{"kind": "b", "current": "a\xc3')
    assert read_events(path) == [{"kind": "a"}]


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\r", "\n"])
def test_no_name_of_a_document_can_break_a_line(path: Path, separator: str) -> None:
    log = EventLog(path)
    log(Event("documents", data={"current": f"a{separator}b.md"}))
    log.close()
    assert read_events(path)[0]["current"] == f"a{separator}b.md"


def test_a_log_that_does_not_exist_yet_is_empty(path: Path) -> None:
    assert read_events(path) == []


def test_secrets_do_not_reach_the_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", 'sécret-"key"')
    log = EventLog(path)
    log(Event("output", data={"text": 'the key is sécret-"key"'}))
    log.close()
    assert json.loads(path.read_text())["text"] == "the key is [redacted]"
