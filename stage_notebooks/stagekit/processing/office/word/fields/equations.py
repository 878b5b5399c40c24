r"""Writes what an EQ field of Word shows, which is drawn from its instruction: `EQ \f(1;2)` is `1/2`."""

from __future__ import annotations

import re

MOST_NESTED = 20

_SWITCH = re.compile(r"\\([a-z]+)(\d*)((?:\s*\\[a-z]+(?:\\?[^\s\w\\;,()]|\d*))*)\s*(?=\()", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_SIMPLE = re.compile(r"\w*")


def equation(instruction: str) -> str | None:
    """Return the text of an equation field, None where the instruction is that of another field."""
    found = re.match(r"\s*EQ\b", instruction, re.IGNORECASE)
    if found is None:
        return None
    return " ".join(_text(instruction[found.end() :], 0).split())


def _text(source: str, depth: int) -> str:
    parts: list[str] = []
    at = 0
    while at < len(source):
        switch = _SWITCH.match(source, at) if source[at] == "\\" and depth < MOST_NESTED else None
        if switch is not None:
            arguments, at = _arguments(source, switch.end(), depth)
            parts.append(_shown(switch[1].lower(), switch[3], arguments))
        elif source[at] == "\\":
            escaped = _ESCAPED.match(source, at)
            parts.append(escaped[1] if escaped else "")
            at = escaped.end() if escaped else at + 1
        else:
            parts.append(source[at])
            at += 1
    return "".join(parts)


def _arguments(source: str, start: int, depth: int) -> tuple[list[str], int]:
    """Return what stands between the brackets that open at a place, and the place behind them."""
    found, begin, level, at = [], start + 1, 0, start
    while at < len(source):
        sign = source[at]
        if sign == "\\":
            at += 1
        elif sign == "(":
            level += 1
        elif sign == ")":
            level -= 1
            if level == 0:
                break
        elif sign in ";," and level == 1:
            found.append(source[begin:at])
            begin = at + 1
        at += 1
    found.append(source[begin:at])
    return [_text(argument, depth + 1).strip() for argument in found], at + 1


def _shown(name: str, options: str, arguments: list[str]) -> str:
    if name == "f" and len(arguments) == 2:
        return "/".join(map(_grouped, arguments))
    if name == "r":
        *index, radicand = arguments
        return f"{''.join(index)}√{_grouped(radicand)}"
    if name == "b":
        left = re.search(r"\\(?:bc|lc)\s*\\(.)", options)
        sign = left[1] if left else "("
        return f"{sign}{', '.join(arguments)}{_BRACKETS.get(sign, sign)}"
    if name == "i":
        return f"∫ {' '.join(arguments)}"
    if name in ("o", "s", "up", "do"):  # signs over one another, raised or lowered ones
        return "".join(arguments)
    return ", ".join(arguments)


def _grouped(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else f"({text})"
