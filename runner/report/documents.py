"""What the report says of documents: what changed, what could not be served and why, what is doubtful."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from runner.report.model import Change, Changes, DocumentNote, Group, ProblemGroup
from runner.wording import stored

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.record.report_generator import RunRows

Row = dict[str, Any]
_LISTING = ("gitlab_ingestion", "documents")
_IDENTITY = ("path", "blob_id", "memo_key")
_QUALITY = ("path", "status", "quality_verdict", "confidence", "worst_page_coverage", "pages", "conservation")
_NAMED = 3  # missing texts that a line names
_URGENCY = {"failed": 0, "rejected": 1, "stale": 2}


def problem_groups(outcomes: Iterable[Row]) -> list[ProblemGroup]:
    """Group the outcomes that are not ok by cause: the most urgent kind first, then the largest group."""
    groups: dict[tuple[str, ...], list[DocumentNote]] = defaultdict(list)
    for row in outcomes:
        if row["status"] in _URGENCY:
            key = tuple(str(row.get(name) or "") for name in ("status", "stage", "category", "remedy"))
            groups[key].append(DocumentNote(path=row["path"], message=row.get("message") or ""))
    ordered = sorted(groups.items(), key=lambda item: (_URGENCY[item[0][0]], -len(item[1]), item[0]))
    return [
        ProblemGroup(status=status, stage=stage, category=category, remedy=remedy, documents=documents)
        for (status, stage, category, remedy), documents in ordered
    ]


def document_changes(
    state: PipelineState, rows: RunRows, before: PipelineState, rows_before: RunRows
) -> Changes | None:
    """Return how the source's documents differ from those of an earlier run; None if either was not read."""
    stage, product = _LISTING
    ours, theirs = (run.stages[stage].result if stage in run.stages else None for run in (state, before))
    if ours is None or theirs is None or not {product} <= ours.artifacts.keys() & theirs.artifacts.keys():
        return None
    changes = Changes(since=before.execution_id, since_started=before.start_timestamp)
    if ours.artifacts[product].sha256 == theirs.artifacts[product].sha256:
        return changes
    now, then = (
        {path: blob or key for path, blob, key in zip(*map(found.column, _IDENTITY), strict=True)}
        for found in (read.columns(stage, product, *_IDENTITY, "status") for read in (rows, rows_before))
    )
    changes.changed = sorted(path for path in now.keys() & then.keys() if now[path] != then[path])
    gone = {then[path]: path for path in sorted(then.keys() - now.keys(), reverse=True)}
    for path in sorted(now.keys() - then.keys()):
        former = gone.pop(now[path], None)
        if former is None:
            changes.added.append(path)
        else:
            changes.moved.append(Change(before=former, after=path))
    left = {move.before for move in changes.moved}
    changes.removed = sorted(then.keys() - now.keys() - left)
    return changes


def ignored_groups(ignored: Iterable[Row]) -> list[Group]:
    """Group the files that are no documents by the reason, the largest group first."""
    return _grouped((str(row.get("reason") or ""), row["path"]) for row in ignored)


def quality_notes(rows: RunRows) -> list[DocumentNote]:
    """Return the documents whose conversion is below a threshold, the least certain first."""
    found = rows.columns("document_processing", "processed", *_QUALITY)
    verdicts = enumerate(found.column("quality_verdict"))
    doubtful = found.take([place for place, verdict in verdicts if (verdict or "pass") != "pass"])
    low = [row for row in doubtful.columns(_QUALITY) if row["status"] in {"ok", "stale"}]
    low.sort(key=lambda row: (row.get("confidence") or 0.0, row["path"]))
    return [DocumentNote(path=row["path"], message=_doubt(row)) for row in low]


def noted_groups(rows: RunRows) -> list[Group]:
    """Group what conversion and enrichment noted about documents by its text, the most frequent first."""
    return _grouped(
        (str(text), path)
        for stage, product, name in (
            ("document_processing", "processed", "warnings"),
            ("text_chunking", "chunks", "warnings"),
            ("metadata_enrichment", "payloads", "validation_warnings"),
        )
        for found in [rows.columns(stage, product, "path", "status", name)]
        for path, texts in zip(found.column("path"), found.column(name), strict=True)
        for text in texts or []
    )


def _doubt(row: Row) -> str:
    verdict = str(row["quality_verdict"])
    figures = []
    if row.get("confidence") is not None:
        figures.append(stored(f"confidence {row['confidence']:.2f}"))
    if row.get("worst_page_coverage") is not None:
        share = f"{row['worst_page_coverage']:.0%}"
        paged = bool(row.get("pages"))
        figures.append(
            stored(f"{share} of the words of its worst page") if paged else stored(f"{share} of its words")
        )
    missing = (row.get("conservation") or {}).get("missing") or []
    figures += missing[:_NAMED] + ([stored(f"and {len(missing) - _NAMED} more")] if missing[_NAMED:] else [])
    told = ", ".join(figures) or verdict
    return {
        "low_confidence": stored(f"the text may be read wrongly ({told})"),
        "low_coverage": stored(f"a part of the text is missing ({told})"),
    }.get(verdict, f"{verdict} ({told})")


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[Group]:
    groups: dict[str, list[str]] = defaultdict(list)
    for text, path in pairs:
        groups[text].append(path)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Group(text=text, paths=sorted(paths)) for text, paths in ordered]
