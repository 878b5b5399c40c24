"""Promises of the memo: what was made is remembered, and damage to it costs work, never results."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit.artifacts.memo import Memo, digest
from stagekit.base.plain_json import canonical_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "memo.sqlite"


def alter(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.damaged-*"))


def test_what_was_put_is_there_after_the_file_is_opened_again(path: Path) -> None:
    with Memo(path) as memo:
        memo.put("text_chunking", "k", {"título": "ação", "n": [1, None]})
        memo.put("text_chunking", "k", {"n": 2})
    with Memo(path) as memo:
        assert memo.get_many(["k", "unknown", "k"]) == {"k": {"n": 2}}


def test_a_thousand_keys_are_found_at_once_and_all_of_them_are_listed(path: Path) -> None:
    values = {f"k{number:04}": {"n": number} for number in range(1001)}
    with Memo(path) as memo:
        memo.put_many(("s", key, value) for key, value in values.items())
        memo.remember_good("a", values.items())
        memo.remember_good("b", [("d", {"n": 0})])
        assert memo.get_many(f"k{number:04}" for number in range(1200)) == values
        assert dict(memo.values()) == values
        assert list(memo.rows()) == [("s", key, value) for key, value in values.items()]
        good = [("a", key, value) for key, value in values.items()]
        assert list(memo.good_values()) == [*good, ("b", "d", {"n": 0})]
        assert memo.keys_beginning("k000") == [f"k000{number}" for number in range(10)]


def test_what_is_forgotten_is_counted_and_no_execution_is_taken_over_as_a_whole(path: Path) -> None:
    with Memo(path) as memo:
        memo.put_many(("s", key, {}) for key in ("k1", "k2", "map:s/a", "mao", "mapz"))
        memo.remember_good("s", [("d1", {}), ("d2", {})])
        assert memo.forget(["k1", "unknown"]) == 1
        assert [key for key, _ in memo.values()] == ["k2", "mao", "mapz"]
        assert memo.forget_good([("s", "d1"), ("t", "d2")]) == 1
        assert [document for _, document, _ in memo.good_values()] == ["d2"]


def test_of_several_values_all_are_remembered_or_none(path: Path) -> None:
    with Memo(path) as memo:
        with pytest.raises(TypeError):
            memo.put_many([("s", "k1", {}), ("s", "k2", {"no JSON": object()})])
        assert memo.get_many(["k1"]) == {}


def test_the_last_good_outcome_is_kept_by_stage_and_document(path: Path) -> None:
    with Memo(path) as memo:
        memo.remember_good("a", [("d1", {"v": 1}), ("d2", {"v": 2})])
        memo.remember_good("a", [("d1", {"v": 3})])
        assert memo.last_good("a", "d1") == {"v": 3}
        assert memo.last_good("a", "d2") == {"v": 2}
        assert memo.last_good("b", "d1") is None


def test_an_altered_row_counts_as_absent(path: Path) -> None:
    with Memo(path) as memo:
        memo.put("s", "k", {"n": 1})
        memo.put("s", "other", {"n": 2})
        memo.remember_good("s", [("d", {"n": 1})])
        memo.put("s", "a list", [1])  # type: ignore[arg-type]
    alter(path, """UPDATE memo SET value = '{"n":9}' WHERE key = 'k'""")
    alter(path, """UPDATE last_good SET value = '{"n":9}'""")
    with Memo(path) as memo:
        assert memo.get_many(["k", "other", "a list"]) == {"other": {"n": 2}}
        assert memo.last_good("s", "d") is None


@pytest.mark.parametrize("table", ["", "memo (key, stage)", "last_good (stage)"])
def test_a_file_that_is_no_memo_is_set_aside_and_a_new_one_begun(path: Path, table: str) -> None:
    path.parent.mkdir()
    if table:
        alter(path, f"CREATE TABLE {table}")
    else:
        path.write_bytes(b"this is no database" * 100)
    before = path.read_bytes()[:4]
    with Memo(path) as memo:
        memo.put("s", "k", {"n": 1})
        assert memo.get_many(["k"]) == {"k": {"n": 1}}
    assert [item.read_bytes()[:4] for item in set_aside(path)] == [before]


def damage_the_middle(path: Path, *, early: bool) -> None:
    data = bytearray(path.read_bytes())
    begin = 4096 * (3 if early else len(data) // 4096 // 2)  # the roots of the tables stay whole
    data[begin:] = b"\xff" * (len(data) - begin)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("table", ["memo", "last_good"])
@pytest.mark.parametrize("operation", ["get", "put", "remember", "last good"])
@pytest.mark.parametrize("early", [True, False], ids=["seen at once", "met later"])
def test_a_damaged_page_empties_the_memo_and_stops_nothing(
    path: Path, table: str, operation: str, early: bool
) -> None:
    keys = [f"k{number:03}" for number in range(400)]
    with Memo(path) as memo:
        for key in keys:
            if table == "memo":
                memo.put("s", key, {"text": "x" * 100})
            else:
                memo.remember_good("s", [(key, {"text": "x" * 100})])
    damage_the_middle(path, early=early)

    with Memo(path) as memo:
        if operation == "get":
            assert memo.get_many(keys) == {}
            assert set_aside(path)
        elif operation == "put":
            for key in keys:
                memo.put("s", key, {"n": 1})
        elif operation == "remember":
            memo.remember_good("s", [(key, {"n": 1}) for key in keys])
        else:
            assert all(memo.last_good("s", key) is None for key in keys)
        memo.put("s", "new", {"n": 2})
        assert memo.get_many(["new"]) == {"new": {"n": 2}}
    assert set_aside(path)


def test_use_after_close_is_an_error_and_throws_nothing_away(path: Path) -> None:
    with Memo(path) as memo:
        memo.put("s", "k", {"n": 1})
    with pytest.raises(sqlite3.ProgrammingError):
        memo.get_many(["k"])
    assert not set_aside(path)
    with Memo(path) as again:
        assert again.get_many(["k"]) == {"k": {"n": 1}}


def test_stages_that_run_side_by_side_share_the_file(path: Path) -> None:
    with Memo(path) as one, Memo(path) as other:

        def fill(memo: Memo, name: str) -> None:
            for number in range(50):
                memo.put(name, f"{name}{number}", {"n": number})

        jobs = [(one, "a"), (one, "b"), (other, "c"), (other, "d")]
        threads = [threading.Thread(target=fill, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(one.get_many(f"{name}{n}" for name in "abcd" for n in range(50))) == 200


def test_the_file_is_its_owners_alone(path: Path) -> None:
    with Memo(path):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


@given(JSON, JSON)
def test_two_values_have_one_digest_only_if_they_are_the_same_json(a: object, b: object) -> None:
    assert (digest(a) == digest(b)) == (canonical_json(a) == canonical_json(b))
    assert digest(a, b) != digest([a, b])


@given(st.dictionaries(TEXT, st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def test_the_canonical_text_is_fixed() -> None:
    assert canonical_json({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'
    assert digest("a", [1]) == "536316bea2646f431d00e633c88afaa572f5a8428b9c1970b7c73e30a19e85fa"
