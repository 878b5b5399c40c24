"""Which remembered outcomes have to be forgotten, so that chosen documents are processed again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from runner.errors import ConfigurationError
from runner.record.manifests import memo_keys
from runner.record.report_generator import MANIFESTS, manifest_rows
from runner.record.state_manager import StateManager
from stagekit.artifacts.memo import Memo

_KEPT = "gitlab_ingestion"  # its outcome is the bytes of a git blob, which cannot come out otherwise


@dataclass(frozen=True)
class ChosenDocuments:
    """What has to be made again for chosen documents.

    Attributes:
        stages: that have to be executed, in alphabetical order.
        memo_keys: of the outcomes that are remembered.
    """

    stages: tuple[str, ...]
    memo_keys: frozenset[str]

    def forget(self, manager: StateManager) -> None:
        """Forget those outcomes."""
        if not self.stages:
            return
        with Memo(manager.outputs / "memo.sqlite") as memo:
            memo.forget(self.memo_keys)


def chosen_documents(manager: StateManager, paths: Iterable[str]) -> ChosenDocuments:
    """Look up what has to be made again for documents, given by their paths in the repository.

    Raises:
        ConfigurationError: if one of them is no document of the last run.
    """
    if not (wanted := set(paths)):
        return ChosenDocuments((), frozenset())
    keys: set[str] = set()
    stages: set[str] = set()
    known: set[str] = set()
    for stage, product in MANIFESTS:
        last = manager.last_checkpoint(stage)
        for row in manifest_rows(manager, last[1], product) if last else []:
            known.add(row["path"])
            if row["path"] in wanted and stage != _KEPT:
                stages.add(stage)
                keys |= memo_keys(row)
    if unknown := sorted(wanted - known):
        raise ConfigurationError(
            f"{unknown[0]} is no document of the last run: give its path in the repository, "
            "as `nic-etl show --json` lists it."
        )
    return ChosenDocuments(tuple(sorted(stages)), frozenset(keys))


def changed_since(manager: StateManager, since: datetime) -> list[str]:
    """Return the documents of the last run that were changed at or after a moment (UTC if it has no zone)."""
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)
    last = manager.last_checkpoint(_KEPT)
    rows = manifest_rows(manager, last[1], "documents") if last else []
    return [
        row["path"]
        for row in rows
        if row.get("modified") and datetime.fromisoformat(row["modified"]) >= moment
    ]
