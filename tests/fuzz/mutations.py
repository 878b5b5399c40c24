"""Changes to JSON, lines and bytes that a reader must survive: known what they are, not where they hit."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

__all__ = ["HOSTILE", "change_bytes", "change_json", "change_lines", "change_value", "json_bytes"]

# Python writes none of these as JSON text; the marks are replaced after the value was written.
_RAW = {
    "⟦nan⟧": "NaN",
    "⟦infinite⟧": "-Infinity",
    "⟦beyond⟧": "1e999",
    "⟦digits⟧": "9" * 5000,
    "⟦deep list⟧": "[" * 3000 + "]" * 3000,
    "⟦deep object⟧": '{"a":' * 1500 + "1" + "}" * 1500,
    "⟦deepest⟧": "[" * 200_000,
}
_REFERENCE = {
    "name": "chunks",
    "uri": "sha256/../../../../etc/passwd",
    "sha256": "0" * 64,
    "media_type": "application/vnd.apache.parquet",
    "bytes": 1,
    "rows": 10**12,
}
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, 1e308, 2**31, 2**63, 10**30, -(10**18), "", " ", "x", "\x00", "\ud800",
    "a\ud83d", "\u202e\u2066", "\x1b[2J", "é" * 70_000, "../../../../etc/passwd", "/etc/passwd", "..", "/",
    "file:///etc/passwd", "C:\\x", "sha256/../x", "<script>fuzzed()</script>",
    "'\"><img src=x onerror=fuzzed()>", "__import__('os').system('true')", "cposix\nsystem\n(S'true'\ntR.",
    "!!python/object/apply:os.system [true]", "2026-03-01", "2026-03-01T12:00:00", "+1e9", "NaN",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "success", "skipped", "ok", "stale", "rejected",
    "failed", "running", [], {}, [[]], [None], [{}], {"": None}, {"a": []}, [1] * 2_000, _REFERENCE,
    {**_REFERENCE, "uri": 3}, {"name": "x", "data": _REFERENCE}, *_RAW,
)  # fmt: skip


def change_value(chance: Random, value: Any, changes: int = 1) -> Any:
    """Return a deep copy of a JSON value with some of its parts deleted, renamed, moved or replaced."""
    value = json.loads(json.dumps(value))
    for _ in range(changes):
        places = list(_places(value))
        if not places:
            return _hostile(chance)
        chance.choice(_OPERATIONS)(chance, *chance.choice(places), value)
    return value


def change_json(chance: Random, value: Any, changes: int = 1) -> bytes:
    """Return the text of a changed JSON value, now and then with a fault in the text as well."""
    data = json_bytes(change_value(chance, value, changes))
    kind = chance.randrange(12)
    if kind == 0:  # the same key twice: the last one counts
        return data.replace(b"{", b'{"data":7,"data":{},"cells":3,', 1)
    if kind == 1:
        return change_bytes(chance, data)
    return data


def json_bytes(value: Any) -> bytes:
    """Return JSON text as some other program may write it: numbers without end, halves of surrogate pairs."""
    text = json.dumps(value, ensure_ascii=True)
    for mark, raw in _RAW.items():
        text = text.replace(json.dumps(mark), raw)
    return text.encode()


def change_bytes(chance: Random, data: bytes) -> bytes:
    """Return bytes that were cut, overwritten, doubled or encoded in another way."""
    return chance.choice(_BYTES)(chance, data)


def change_lines(chance: Random, data: bytes) -> bytes:
    """Return JSON lines of which some were changed, removed, doubled, moved or broken off."""
    lines = data.splitlines()
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(lines) + 1)
        kind = chance.randrange(6)
        if kind == 0 or place == len(lines):
            lines.insert(place, json_bytes(chance.choice(HOSTILE)))
        elif kind == 1:
            del lines[place]
        elif kind == 2:
            lines.insert(chance.randrange(len(lines)), lines[place])
        elif kind == 3:
            lines[place] = change_bytes(chance, lines[place])
        else:
            lines[place] = change_json(chance, _parsed(lines[place]))
    return b"\n".join(lines) + b"\n" * chance.randint(0, 1)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return {}


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) inside a value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        pairs = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, inner in pairs:
            found.append((one, key))
            waiting.append(inner)
    return found


def _hostile(chance: Random) -> Any:
    return deepcopy(chance.choice(HOSTILE))  # the next change may hit its inside


def _replace(chance: Random, holder: Any, key: Any, _: Any) -> None:
    holder[key] = _hostile(chance)


def _delete(chance: Random, holder: Any, key: Any, _: Any) -> None:
    del holder[key]


def _rename(chance: Random, holder: Any, key: Any, _: Any) -> None:
    if isinstance(holder, dict):
        name = chance.choice([one for one in HOSTILE if isinstance(one, str)])
        holder[name] = holder.pop(key)


def _insert(chance: Random, holder: Any, key: Any, _: Any) -> None:
    if isinstance(holder, dict):
        holder[chance.choice(("data", "status", "rows", "path", "zzz", ""))] = _hostile(chance)
    else:
        holder.insert(key, _hostile(chance))


def _copy_from_elsewhere(chance: Random, holder: Any, key: Any, whole: Any) -> None:
    other, name = chance.choice(_places(whole))
    holder[key] = json.loads(json.dumps(other[name]))


def _wrap(chance: Random, holder: Any, key: Any, _: Any) -> None:
    holder[key] = chance.choice(([holder[key]], {"data": holder[key]}, str(holder[key])))


_OPERATIONS: tuple[Callable[[Random, Any, Any, Any], None], ...] = (
    _replace, _replace, _replace, _delete, _rename, _insert, _copy_from_elsewhere, _wrap,
)  # fmt: skip


def _cut(chance: Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _overwrite(chance: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _double(chance: Random, data: bytes) -> bytes:
    first, second = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    return data[:second] + data[first:]


def _encode(chance: Random, data: bytes) -> bytes:
    text = data.decode(errors="replace")
    return chance.choice(
        (text.encode("utf-16"), text.encode("utf-8-sig"), data[::-1], b"", data + b"\0" * 64)
    )


def _nest(chance: Random, data: bytes) -> bytes:
    return chance.choice((b"[", b'{"cells":', b'{"a":[')) * 100_000 + data


_BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (_cut, _overwrite, _double, _encode, _nest)
