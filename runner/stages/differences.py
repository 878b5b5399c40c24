"""Says in words what differs between two fingerprints, of which another version may have made one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runner.config_manager import recorded_settings
from runner.errors import ConfigurationError
from runner.settings.pipeline_config import PipelineConfig
from stagekit.base.plain_json import parse_json

_OTHER_VERSION = "it was made by another version of nic-etl"


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Say in words what differs between two fingerprints; nothing only where they are equal.

    What a version adds, renames or drops is no change of the user's: settings are compared under their names
    of today, and one that a former version did not have is told where it has not its default. Models and
    libraries that it did not note are not known to have changed.

    Args:
        before: value by name of the piece, see :func:`runner.stages.fingerprint.stage_fingerprint`.
        after: alike, of today.
    """
    if before == after:
        return []
    changed = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    kinds: dict[str, list[str]] = {}
    for key in changed:
        kind, _, name = key.partition(":")
        kinds.setdefault(kind, []).append(name)
    said = [
        *_settings(_parameters(before), _parameters(after), kinds.pop("parameter", [])),
        *_code(kinds.pop("code", [])),
        *(f"the files of {name} changed" for name in kinds.pop("model", []) if f"model:{name}" in before),
    ]
    libraries = [(name, before.get(f"library:{name}")) for name in kinds.pop("library", [])]
    said += [
        f"the library {name} {old} → {after.get(f'library:{name}') or '(not used)'}"
        for name, old in libraries
        if old
    ]
    said += [f"{name} changed" for names in kinds.values() for name in names]
    return said or [_OTHER_VERSION]


def _code(names: list[str]) -> Iterator[str]:
    if "notebook" in names:
        yield "the notebook changed"
    if modules := sorted(set(names) - {"notebook"}):
        yield f"the code of {_listed(modules)} changed"


def _settings(then: Mapping[str, Any], now: Mapping[str, Any], changed: list[str]) -> Iterator[str]:
    known = _under_names_of_today(then)
    for name in now:
        if name in known:
            if known[name] != now[name]:
                yield f"{name} {_plain(known[name])} → {_plain(now[name])}"
        elif name in changed and now[name] != _default(name):
            yield f"{name} {_plain(now[name])}, which a former version did not have"


def _under_names_of_today(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return recorded_settings(settings)
    except (ConfigurationError, ValueError, TypeError):
        return settings  # of a record that was altered, or what cannot be united


def _parameters(fingerprint: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, text in fingerprint.items():
        kind, _, name = key.partition(":")
        if kind == "parameter":
            try:
                values[name] = parse_json(text)
            except ValueError:
                values[name] = text  # from a record that was altered
    return values


def _default(name: str) -> Any:
    field = PipelineConfig.model_fields.get(name)
    return field.get_default(call_default_factory=True) if field else None


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
