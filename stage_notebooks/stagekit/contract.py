"""What stages and runner agree on: the result of a stage, references to artifacts, and scraps.

A scrap is a value that a notebook leaves for its readers, in the display format of nteract/scrapbook 0.5
(``application/scrapbook.scrap.json+json``). :func:`glue` writes it and :func:`read_scraps` reads it without
importing scrapbook, whose import brings pandas and papermill into every kernel (1.7 to 3 s measured);
``scrapbook.read_notebook`` reads the same scraps, and a test holds that.
"""

from __future__ import annotations

import contextlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from stagekit.base.plain_json import parse_json, require_plain
from stagekit.errors import StageError

SCRAP_MIME = "application/scrapbook.scrap.json+json"
PROGRESS_MIME = "application/vnd.nic-etl.progress+json"
STAGE_RESULT = "stage_result"


class ExecutionStatus(StrEnum):
    """Where a run, a stage or a document stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class ArtifactRef(BaseModel):
    """A reference to bytes in the artifact store, in place of the bytes themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str  # what the artifact is, for example ``chunks``
    uri: str  # path relative to the store's root, so that a moved or restored store still resolves it
    # of the bytes, 64 hexadecimal digits; the store refuses bytes that differ
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    media_type: str  # IANA media type of the bytes
    rows: int | None = None  # number of rows of a table, None for other artifacts
    bytes: int = Field(ge=0)  # size
    schema_version: str = "1"  # version of the artifact's own layout


class StageResult(BaseModel):
    """What one execution of a stage came to.

    ``success_count`` counts documents that ended ok, ``failure_count`` those that failed on our side,
    ``rejected_count`` unusable ones, ``stale_count`` those served from their last good version, and
    ``unchanged_count`` those among the successes that the memo answered. ``retry_count`` counts those that
    failed on our side, whether an older version is served or not: the next run tries them again.
    """

    model_config = ConfigDict(extra="forbid")

    stage_name: str
    status: ExecutionStatus
    start_time: AwareDatetime
    end_time: AwareDatetime | None = None
    input_count: int = 0
    output_count: int = 0
    success_count: int = 0
    failure_count: int = 0
    rejected_count: int = 0
    stale_count: int = 0
    unchanged_count: int = 0
    retry_count: int = 0
    errors: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    metrics: dict[str, Any] = Field(default_factory=dict)
    artifacts: dict[str, ArtifactRef] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Wall time of the stage, in seconds (0 while it runs)."""
        return (self.end_time - self.start_time).total_seconds() if self.end_time else 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How many documents were read, and what became of them."""
        return {
            "read": self.input_count,
            "ok": self.success_count,
            "unchanged": self.unchanged_count,
            "rejected": self.rejected_count,
            "failed": self.failure_count,
            "stale": self.stale_count,
        }


def glue(name: str, data: Any) -> None:
    """Leave a scrap in the running notebook.

    Args:
        name: the scrap's name; a later scrap of the same name replaces it for readers.
        data: plain JSON (a dict, a list or a scalar other than None).

    Raises:
        TypeError: if ``data`` is not plain JSON.
    """
    from IPython.display import display

    payload = {"name": name, "data": json.loads(json.dumps(data)), "encoder": "json", "version": 1}
    display(
        {SCRAP_MIME: payload},
        raw=True,
        metadata={"scrapbook": {"name": name, "data": True, "display": False}},
    )


def read_scraps(notebook: Path | str) -> dict[str, Any]:
    """Read the scraps of an executed notebook, by name; the last one of a name wins.

    Raises:
        StageError: if the file is missing or is not a notebook.
    """
    path = Path(notebook)
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageError(f"There is no executed notebook at {path}.") from None
    except (OSError, ValueError) as error:
        raise StageError(f"{path} cannot be read as a notebook ({error}); run its stage again.") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise StageError(f"{path} is not a notebook: it has no list of cells; run its stage again.")
    scraps: dict[str, Any] = {}
    for cell in content["cells"]:
        outputs = cell.get("outputs", []) if isinstance(cell, dict) else []
        for output in outputs if isinstance(outputs, list) else []:
            data = output.get("data") if isinstance(output, dict) else None
            scrap = data.get(SCRAP_MIME) if isinstance(data, dict) else None
            if isinstance(scrap, dict) and isinstance(scrap.get("name"), str) and "data" in scrap:
                scraps[scrap["name"]] = scrap["data"]
    try:
        require_plain(scraps)
    except ValueError as error:
        raise StageError(f"The scraps in {path} are damaged ({error}); run its stage again.") from None
    return scraps


def stage_result(notebook: Path | str) -> StageResult:
    """Read the :class:`StageResult` that an executed stage notebook glued.

    Raises:
        StageError: if there is none, or it does not fit the contract.
    """
    scraps = read_scraps(notebook)
    if STAGE_RESULT not in scraps:
        raise StageError(
            f"{notebook} holds no stage_result: the stage did not come to its last cell; run it again."
        )
    try:
        return StageResult.model_validate(scraps[STAGE_RESULT])
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(".".join(str(part) for part in first["loc"])[:80].split())
        raise StageError(f"The stage_result in {notebook} is damaged ({where}: {first['msg']}).") from None


def artifact_refs(value: Any) -> list[ArtifactRef]:
    """Collect every artifact reference inside a JSON value, in order of appearance."""
    refs, waiting = [], [value]
    while waiting:  # not recursive: the value may come from a file, nested as deeply as somebody liked
        inside = waiting.pop()
        if isinstance(inside, dict) and {"uri", "sha256", "media_type"} <= inside.keys():
            with contextlib.suppress(ValidationError):
                refs.append(ArtifactRef.model_validate(inside))
        elif isinstance(inside, dict | list):
            waiting += reversed(list(inside.values()) if isinstance(inside, dict) else inside)
    return refs
