"""The command line called in this process: what it printed on either stream, and its exit code."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner.cli.entry import main


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed on standard output."""
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def nic_etl(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """The command in this process, on the outputs folder of the test."""
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(outputs))
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["nic-etl", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Done(int(end.value.code or 0), printed.out, printed.err)

    yield run
    signal.signal(signal.SIGTERM, handler)
