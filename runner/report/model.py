"""The run report as data: what ``report.json`` holds, and all that ``report.html`` is drawn from.

Version 1. A field is never renamed or given another meaning within a version; new ones may be added.
``RunReport.model_json_schema()`` (``nic-etl report --schema``) describes each field for other tools.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from runner.wording import stored


class Figure(BaseModel):
    """A figure that differs between two runs."""

    figure: str
    before: Any = None
    after: Any = None


class Setting(BaseModel):
    """A setting whose value is not the default."""

    name: str
    value: Any = None
    default: Any = None


class Group(BaseModel):
    """Documents or files that have a text in common."""

    text: str
    paths: list[str]


class Change(BaseModel):
    """A document whose content is found under another path now."""

    before: str
    after: str


class Changes(BaseModel):
    """How the documents of the source differ from those of an earlier run."""

    since: str = Field(description="id of that run")
    since_started: datetime
    added: list[str] = []
    changed: list[str] = []
    removed: list[str] = []
    moved: list[Change] = []

    @property
    def count(self) -> int:
        """Number of documents that differ."""
        return len(self.added) + len(self.changed) + len(self.removed) + len(self.moved)


class DocumentNote(BaseModel):
    """A document and what is to be said of it."""

    path: str
    message: str = ""
    link: str = Field(
        default="", description="where its file can be read on the web, at the version that was read"
    )


class ProblemGroup(BaseModel):
    """Documents that could not be served as they are, for one cause."""

    status: str = Field(description="failed, rejected or stale")
    stage: str
    category: str
    remedy: str
    documents: list[DocumentNote]


class FailedCell(BaseModel):
    """The cell in which a stage broke off."""

    number: int = Field(description="counted from 1, texts too")
    execution_count: int | None = Field(
        None, description="as Jupyter shows it: In [n]; none if it died there"
    )
    source: str = Field(description="its first lines")
    line: str = Field("", description="the line of it that failed, empty if its kernel died")
    error: str = Field(description="the last lines of its traceback, empty if its kernel died")

    @property
    def label(self) -> str:
        """The cell as whoever opens the notebook finds it."""
        return f"In [{self.execution_count}]" if self.execution_count else stored(f"cell {self.number}")


class StageReport(BaseModel):
    """One stage of the run."""

    name: str
    status: str = Field(description="success, partial, failed, cancelled, skipped (carried over), running")
    carried_from: str = Field(default="", description="id of the run that did the work")
    reasons: list[str] = Field(default=[], description="why it was executed")
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    attempts: int = 1
    retries: list[str] = Field(default=[], description="why it was tried again")
    counts: dict[str, int] = Field(default={}, description="documents: read, ok, rejected, failed, …")
    documents_per_second: float | None = Field(default=None, description="of those that had to be made")
    metrics: dict[str, Any] = {}
    warnings: list[str] = []
    error: str = ""
    notebook: str = Field(default="", description="executed notebook, relative to the report")
    page: str = Field(default="", description="the same as a page to read, relative to the report")
    failed_cell: FailedCell | None = None

    @property
    def executed(self) -> bool:
        """Tell whether this run did the work."""
        return not self.carried_from


class Chart(BaseModel):
    """A distribution: its finding as the title, and its figures.

    ``edges`` (one more than ``values``) bound the bins of a histogram; ``labels`` name single bars.
    """

    title: str
    unit: str = ""
    labels: list[str] = []
    edges: list[float] = []
    values: list[float] = []
    beside: list[float] = Field(default=[], description="a second series, named by `series`")
    series: list[str] = []
    bound: float | None = Field(default=None, description="a threshold that is drawn as a line")


class Timeline(BaseModel):
    """Progress over time: for each series, seconds since the start, and how many were done."""

    title: str
    unit: str
    series: dict[str, list[tuple[float, float]]] = {}


class Content(BaseModel):
    """What the documents are like: read from the manifests when the run has executed something."""

    progress: Timeline | None = None
    pages: Timeline | None = None
    slowest: Chart | None = None
    confidence: Chart | None = None
    chunk_lengths: Chart | None = None
    formats: Chart | None = None
    languages: Chart | None = None
    types: Chart | None = None
    completeness: Chart | None = None


class TrendRun(BaseModel):
    """One of the last runs, as its own record tells it."""

    execution_id: str
    started: datetime
    mode: str
    status: str
    seconds: float | None = None
    documents: int | None = Field(default=None, description="served: ok and stale")
    points: int | None = None
    failures: int = Field(default=0, description="documents that failed or were rejected")
    report: str = Field(default="", description="its report, relative to this one; empty if there is none")


class RunReport(BaseModel):
    """A run, for people and for other tools."""

    schema_version: Literal["1"] = "1"
    execution_id: str
    mode: str
    status: str
    headline: str = Field(description="what happened, in a sentence")
    started: datetime
    ended: datetime | None = None
    seconds: float | None = None
    error: str = ""
    documents: dict[str, int] = Field(default={}, description="as in the summary of `nic-etl run --json`")
    points: dict[str, int] = {}
    points_before: int | None = Field(
        default=None, description="in the collection after the run compared with"
    )
    changes: Changes | None = Field(
        default=None, description="None if there is no earlier run to compare with"
    )
    problems: list[ProblemGroup] = []
    ignored: list[Group] = Field(default=[], description="files that are no documents, by reason")
    quality: list[DocumentNote] = Field(default=[], description="documents below a quality threshold")
    notes: list[Group] = Field(default=[], description="what the stages noted about documents")
    stages: list[StageReport] = []
    planned: list[str] = Field(default=[], description="all stages of the run, also those not begun")
    content: Content | None = Field(default=None, description="None if the run has executed nothing")
    figures_of: str = Field(
        default="", description="the run that did the work, if this one had nothing to do"
    )
    compared_with: str = ""
    comparison: list[Figure] = []
    trend: list[TrendRun] = Field(default=[], description="oldest first; this run is the last")
    trend_title: str = ""
    evaluation: dict[str, Any] = Field(default={}, description="evaluation.json, if there is one")
    settings: list[Setting] = Field(default=[], description="those that differ from the defaults")
    config_hash: str = ""
    notebooks: dict[str, str] = Field(default={}, description="sha256 of each stage's executed notebook")
    environment: dict[str, Any] = Field(default={}, description="code, system and libraries")
    source: dict[str, Any] = Field(default={}, description="repository, branch and commit that were read")
    gaps: list[str] = Field(default=[], description="parts that could not be told, and why")
