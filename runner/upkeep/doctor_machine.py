"""Looks at the machine for ``nic-etl doctor``: rights, clock, and the versions of Python and its packages."""

from __future__ import annotations

import os
import platform
import stat
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from runner.errors import StateManagementError
from runner.models import now
from runner.record.state_manager import StateManager

Row = dict[str, Any]
_PACKAGE = "nic-etl"
_SKEW = timedelta(minutes=1)


def machine_checks(manager: StateManager) -> list[Row]:
    """Return one row (check, ok, detail) for permissions, clock and versions."""
    checks = {
        "permissions": _permissions(manager.outputs),
        "clock": _clock(manager),
        "versions": _versions(_PACKAGE),
    }
    return [{"check": name, "ok": ok, "detail": detail} for name, (ok, detail) in checks.items()]


def _permissions(outputs: Path) -> tuple[bool, str]:
    entries = [outputs, *outputs.iterdir()]
    alien = [entry for entry in entries if entry.lstat().st_uid != os.geteuid()]
    if alien:
        who = f"user number {alien[0].lstat().st_uid}"
        return False, (
            f"{alien[0]} belongs to {who}: run nic-etl as one user only, and give the folder to that user "
            f"(chown -R {os.geteuid()} {outputs})"
        )
    if not _open_to_others(outputs):
        return True, f"{outputs} is open to its owner only"
    # A folder that somebody else made, with its own rights: what nic-etl writes there is closed by itself.
    bare = [entry for entry in entries[1:] if not entry.is_symlink() and _open_to_others(entry)]
    if bare:
        return False, f"{bare[0]} can be read by others: chmod -R go= {outputs}"
    return True, f"what is in {outputs} is open to its owner only"


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _clock(manager: StateManager) -> tuple[bool, str]:
    ids = manager.execution_ids()
    try:
        begun = manager.load_checkpoint(ids[-1]).start_timestamp if ids else now()
    except StateManagementError:  # a damaged record is another row's affair
        begun = now()
    ahead = begun - now()
    if ahead > _SKEW:
        minutes = ahead.total_seconds() / 60
        return False, f"the last run began {minutes:.0f} min in the future: let NTP set the clock"
    return True, "no run lies in the future"


def _versions(package: str) -> tuple[bool, str]:
    from packaging.requirements import Requirement

    try:
        named = [Requirement(text) for text in requires(package) or []]
    except PackageNotFoundError:
        return False, f"{package} is not installed as a package: run `pip install --no-deps .` in its folder"
    wanted = [need for need in named if need.marker is None or need.marker.evaluate({"extra": ""})]
    faults = []
    for need in wanted:
        try:
            found = version(need.name)
        except PackageNotFoundError:
            found = "missing"
        if found == "missing" or not need.specifier.contains(found, prereleases=True):
            faults.append(f"{need.name} is {found}, {need.specifier or 'any version'} is wanted")
    if faults:
        return False, f"{'; '.join(faults)}: install {package} again"
    own = f"{package} {version(package)}, Python {platform.python_version()}"
    return True, f"{own}, its {len(wanted)} packages as they should be"
