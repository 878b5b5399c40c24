"""Looks for damaged artifacts, a few after each run that has worked or all of them, and altered notebooks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.record.manifests import notebook_refs
from stagekit.artifacts.references import made_references
from stagekit.artifacts.scrub import scrub
from stagekit.artifacts.table_files import PARQUET
from stagekit.base.files import atomic_write
from stagekit.base.paths import latest_notebooks
from stagekit.base.plain_json import parse_json
from stagekit.contract import ArtifactRef
from stagekit.errors import ArtifactError
from stagekit.sealing.cipher import EncryptionError

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.record.state_manager import StateManager

_SHARE = 0.02  # of the time that the run has worked
_PLACE = "scrub.json"


@dataclass(frozen=True)
class CheckedArtifacts:
    """What ``nic-etl verify --all`` found.

    Attributes:
        checked: how many artifacts were read.
        damaged: what is damaged or missing, a sentence an artifact.
    """

    checked: int
    damaged: tuple[str, ...]


def check_artifacts(manager: StateManager) -> CheckedArtifacts:
    """Read every artifact, and look for those that the newest results refer to; what is lost is noted.

    The next run makes again what a stage's result needs.

    Raises:
        ArtifactError: if the store cannot be listed.
    """
    found = scrub(manager.store)
    damaged = [*found.damaged]
    lost = manager.store.lost()
    for ref in needed_artifacts(manager):
        if ref.uri not in lost and not manager.store.present(ref):
            try:
                manager.store.read(ref)
            except ArtifactError as error:
                damaged.append(str(error))
                lost.add(ref.uri)
    if damaged:
        manager.audit("artifacts_damaged", {"artifacts": damaged})
    return CheckedArtifacts(found.checked, tuple(damaged))


def altered_notebooks(manager: StateManager, states: Iterable[PipelineState]) -> list[str]:
    """Return a sentence for each executed notebook of these runs that is not as it was recorded.

    One that several runs name, because they carried its stage over, is read and told once.
    """
    done = [checkpoint for state in states for checkpoint in state.stages.values()]
    named = {(one.notebook, one.notebook_sha256): one for one in done if one.notebook_sha256}
    return list(dict.fromkeys(filter(None, map(manager.notebook_fault, named.values()))))


def lost_artifacts(manager: StateManager) -> set[str]:
    """Return the addresses of the artifacts that could not be read; none if the store does not answer."""
    try:
        return manager.store.lost()
    except (ArtifactError, OSError):
        return set()  # whoever needs it says so


def forget_lost(manager: StateManager, before: set[str]) -> None:
    """Forget what was lost when a run began that ended well: all that is needed of it has been made again."""
    with contextlib.suppress(ArtifactError, OSError):  # then it is looked for once more
        manager.store.forget_lost(before)


def scrub_share(manager: StateManager, worked_s: float) -> list[str]:
    """Check the artifacts whose turn it is, as many as a run has time for, and return warnings.

    Args:
        manager: of the outputs folder; where to go on the next time is recorded there.
        worked_s: seconds that the stages of the run took.
    """
    place = manager.outputs / _PLACE
    try:
        after = str(parse_json(place.read_bytes())["last"])
    except (OSError, ValueError, KeyError, TypeError):
        after = ""
    try:
        found = scrub(manager.store, after, _SHARE * worked_s)
        if found.last:
            atomic_write(place, json.dumps({"last": found.last}).encode(), sync=False)
    except (ArtifactError, EncryptionError, OSError) as error:
        return [f"The artifacts could not be checked ({error}); the run is not affected."]
    if found.damaged:
        manager.audit("artifacts_damaged", {"artifacts": found.damaged})
    return [*found.damaged]


def needed_artifacts(manager: StateManager) -> list[ArtifactRef]:
    """Return what the newest executed notebooks refer to, and what their manifests do."""
    needed: dict[str, ArtifactRef] = {}
    for notebook in latest_notebooks(manager.outputs).values():
        for ref in notebook_refs(notebook):
            needed[ref.uri] = ref
            if ref.media_type != PARQUET:
                continue
            try:
                parts = list(made_references(manager.store.open_table(ref)))
            except (ArtifactError, TypeError, ValueError):
                continue  # found already
            for _, sizes, uris in parts:
                needed |= {uri: _part(uri, size) for uri, size in zip(uris, sizes, strict=True)}
    return list(needed.values())


def _part(uri: str, size: int) -> ArtifactRef:
    digest = uri.rpartition("/")[2].partition(".")[0]
    return ArtifactRef(name="part", uri=uri, sha256=digest, media_type="", bytes=size)
