"""Promises of the caches in SQLite: damage is set aside, whatever is wrong around the file is told."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from stagekit.artifacts.database_faults import disk_errors_named, is_damage, open_or_begin, set_aside


def fault(kind: type[sqlite3.Error], code: int = 0) -> sqlite3.DatabaseError:
    error = kind("said by SQLite")
    if code:
        error.sqlite_errorcode = code
    assert isinstance(error, sqlite3.DatabaseError)
    return error


DAMAGE = [
    fault(sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT),
    fault(sqlite3.DatabaseError, sqlite3.SQLITE_NOTADB),
    fault(sqlite3.OperationalError, sqlite3.SQLITE_ERROR),  # no such table
    fault(sqlite3.OperationalError),  # text that is no UTF-8
]
AROUND = [
    fault(sqlite3.OperationalError, sqlite3.SQLITE_BUSY),
    fault(sqlite3.OperationalError, sqlite3.SQLITE_CANTOPEN),
    fault(sqlite3.OperationalError, sqlite3.SQLITE_FULL),
    fault(sqlite3.ProgrammingError),
    fault(sqlite3.IntegrityError, sqlite3.SQLITE_CONSTRAINT),
]


@pytest.mark.parametrize(
    "error", DAMAGE + AROUND, ids=lambda error: f"{type(error).__name__}-{error.__dict__}"
)
def test_only_a_damaged_file_is_set_aside_and_begun_anew(
    tmp_path: Path, error: sqlite3.DatabaseError
) -> None:
    path = tmp_path / "memo.sqlite"
    for suffix in ("", "-wal"):
        path.with_name(path.name + suffix).write_text(f"damaged{suffix}")
    answers: list[Exception | str] = [error, "new"]

    def open_file() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert is_damage(error) is (error in DAMAGE)
    if error in AROUND:
        with pytest.raises(type(error)):
            open_or_begin(path, open_file)
        assert {one.name for one in tmp_path.iterdir()} == {"memo.sqlite", "memo.sqlite-wal"}
        return
    assert open_or_begin(path, open_file) == "new"
    aside = {one.name.partition(".damaged-")[0]: one.read_text() for one in tmp_path.iterdir()}
    assert aside == {"memo.sqlite": "damaged", "memo.sqlite-wal": "damaged-wal"}
    assert all(".damaged-20" in one.name for one in tmp_path.iterdir())
    set_aside(path)  # nothing is there
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (sqlite3.SQLITE_FULL, errno.ENOSPC),
        (sqlite3.SQLITE_IOERR, errno.EIO),
        (sqlite3.SQLITE_IOERR_WRITE, errno.EIO),
        (sqlite3.SQLITE_BUSY, None),
        (0, None),
    ],
)
def test_what_sqlite_says_of_the_disk_is_an_error_of_the_disk_that_names_the_file(
    tmp_path: Path, code: int, number: int | None
) -> None:
    with (
        pytest.raises((OSError, sqlite3.OperationalError)) as told,
        disk_errors_named(tmp_path / "memo.sqlite"),
    ):
        raise fault(sqlite3.OperationalError, code)
    if number is None:
        assert isinstance(told.value, sqlite3.OperationalError)
    else:
        assert isinstance(told.value, OSError)
        assert (told.value.errno, told.value.filename) == (number, str(tmp_path / "memo.sqlite"))
