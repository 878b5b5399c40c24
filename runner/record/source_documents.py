"""Which documents of a source changed since it was read, and which would leave the collection."""

from __future__ import annotations

from runner.models import Checkpoint
from runner.record.report_generator import manifest_columns, manifest_rows
from runner.record.state_manager import StateManager
from runner.settings.pipeline_config import PipelineConfig
from stagekit.checks.leaving import leaving
from stagekit.checks.outside import source_changes

_SHOWN = 5  # documents named in a sentence


def changed_documents(manager: StateManager, checkpoint: Checkpoint, config: PipelineConfig) -> str:
    """Name the documents of a local source that are not as a checkpoint has read them; empty if unknown."""
    documents = manifest_columns(manager, checkpoint, "documents", ("path", "status", "blob_id"))
    read = dict(zip(documents.column("path"), documents.column("blob_id"), strict=True))
    aside = {row["path"] for row in manifest_rows(manager, checkpoint, "ignored")}
    changes = source_changes(config.model_dump(mode="json"), config.outputs, read, aside)
    if not changes:
        return ""
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    plural = "documents" if len(changes) > 1 else "document"
    return f"{len(changes)} {plural} changed: {', '.join(changes[:_SHOWN])}{more}"


def leaving_documents(config: PipelineConfig, *, rules_hold: bool) -> tuple[tuple[str, str], ...]:
    """Return the stored documents that the source would leave out now: path, and why.

    Args:
        config: the configuration.
        rules_hold: the rules are those of the last run, so that what did not change need not be read.
    """
    return tuple(leaving(config.model_dump(mode="json"), config.outputs, rules_hold=rules_hold))
