"""What a source holds now, asked again and again without a kernel: a watch acts on what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stagekit.checks.outside import expiry_day, local_source_state
from stagekit.errors import StageError


class SourceHead:
    """Looks at the source of the settings: names, sizes and times of a folder, or the newest commit.

    Args:
        settings: every setting of the pipeline by name.
        outputs: the outputs folder, which takes the access log for GitLab and never counts as source.
    """

    def __init__(self, settings: dict[str, Any], outputs: Path) -> None:
        from stagekit.ingestion.gitlab.settings import GitLabSettings

        self._settings = settings
        self._outputs = outputs
        self._gitlab = None
        if settings["source"] == "gitlab":
            from stagekit.ingestion.gitlab.head import GitLabHead

            known = GitLabSettings(
                settings["gitlab_url"],
                settings["gitlab_project"],
                settings["ca_file"],
                read_timeout_s=settings["request_timeout_s"],
            )
            self._gitlab = GitLabHead(known, settings["target_branch"], outputs)

    def look(self) -> str:
        """Return the state of the source, equal while nothing changed.

        Raises:
            StageError: if it cannot be looked at; the sentence says why.
        """
        if self._gitlab is not None:
            return f"commit {self._gitlab.commit()}{expiry_day(self._settings)}"
        try:
            return local_source_state(self._settings, self._outputs)
        except OSError as error:
            place = self._settings["source_path"] or "the bundled sample"
            raise StageError(f"source_path: {place} cannot be read ({error.strerror}).") from None

    def close(self) -> None:
        """Close connections."""
        if self._gitlab is not None:
            self._gitlab.close()
