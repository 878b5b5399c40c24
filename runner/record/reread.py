"""What a run that works reads again of a source that looks unchanged: a twentieth of its files, in turn."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from runner.record.report_generator import manifest_columns
from stagekit.base.files import atomic_write
from stagekit.base.plain_json import parse_json
from stagekit.checks.reread import PARTS, changed_contents

if TYPE_CHECKING:
    from runner.models import Checkpoint
    from runner.record.state_manager import StateManager
    from runner.settings.pipeline_config import PipelineConfig

_PLACE = "reread.json"


def changed_unnoticed(manager: StateManager, checkpoint: Checkpoint, config: PipelineConfig) -> list[str]:
    """Return the documents whose turn it is and whose contents are not those that a checkpoint has read.

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
    documents = manifest_columns(manager, checkpoint, "documents", ("path", "status", "blob_id"))
    known = dict(zip(documents.column("path"), documents.column("blob_id"), strict=True))
    changed = changed_contents(config.model_dump(mode="json"), known, part)
    with contextlib.suppress(OSError):  # then the same ones are read once more
        atomic_write(place, json.dumps({"next": (part + 1) % PARTS}).encode(), sync=False)
    return changed
