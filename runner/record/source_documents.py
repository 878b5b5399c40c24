"""Which documents of a source changed since it was read: those that look so, and those that do not."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from runner.record.report_generator import manifest_columns, manifest_rows
from stagekit.base.files import atomic_write
from stagekit.base.plain_json import parse_json
from stagekit.checks.outside import source_changes
from stagekit.checks.reread import PARTS, changed_contents

if TYPE_CHECKING:
    from runner.models import Checkpoint
    from runner.record.state_manager import StateManager
    from runner.settings.pipeline_config import PipelineConfig

_SHOWN = 5  # documents named in a sentence
_PLACE = "reread.json"


def changed_documents(manager: StateManager, checkpoint: Checkpoint, config: PipelineConfig) -> str:
    """Name the documents of a local source that are not as a checkpoint has read them; empty if unknown."""
    read = _contents_read(manager, checkpoint)
    aside = {row["path"] for row in manifest_rows(manager, checkpoint, "ignored")}
    changes = source_changes(config.model_dump(mode="json"), config.outputs, read, aside)
    if not changes:
        return ""
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    plural = "documents" if len(changes) > 1 else "document"
    return f"{len(changes)} {plural} changed: {', '.join(changes[:_SHOWN])}{more}"


def changed_unnoticed(manager: StateManager, checkpoint: Checkpoint, config: PipelineConfig) -> list[str]:
    """Return the documents that look unchanged and are not, of those whose turn it is to be read again.

    A run that works reads a twentieth of the files, in turn.

    Args:
        manager: of the outputs folder; whose turn is next is recorded there.
        checkpoint: of the stage that reads the source, carried over.
        config: of the run.
    """
    place = manager.outputs / _PLACE
    try:
        part = int(parse_json(place.read_bytes())["next"]) % PARTS
    except (OSError, ValueError, KeyError, TypeError):
        part = 0
    read = _contents_read(manager, checkpoint)
    changed = changed_contents(config.model_dump(mode="json"), read, part)
    with contextlib.suppress(OSError):  # then the same ones are read once more
        atomic_write(place, json.dumps({"next": (part + 1) % PARTS}).encode(), sync=False)
    return changed


def _contents_read(manager: StateManager, checkpoint: Checkpoint) -> dict[str, str]:
    """Return the blob of each document, by path, as a checkpoint has read it."""
    documents = manifest_columns(manager, checkpoint, "documents", ("path", "status", "blob_id"))
    return dict(zip(documents.column("path"), documents.column("blob_id"), strict=True))
