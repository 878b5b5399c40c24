"""What the documents of a run are like, in figures that are worth a plot; each title says what they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from runner.report.model import Chart, Content, Timeline
from runner.wording import stored

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.record.report_generator import RunRows
    from stagekit.artifacts.rows import Rows

Row = dict[str, Any]
_MOMENTS = 200  # points of a line: more cannot be seen
_BARS = 10
_MOST = 0.8
_USABLE = {"ok", "stale"}
_PROCESSED = (
    "path", "status", "produced_at", "pages", "seconds", "confidence", "ocr_applied", "file_format",
)  # fmt: skip
_CHUNKED = ("path", "status", "chunk_tokens")
_DESCRIBED = ("path", "status", "language", "document_type", "filled")


def content_of(state: PipelineState, rows: RunRows, events: Sequence[Row]) -> Content:
    """Return the distributions of a run; a part without anything to show is None."""
    read = rows.columns("document_processing", "processed", *_PROCESSED).columns(_PROCESSED)
    processed = [row for row in read if row["status"] in _USABLE]
    chunked = rows.columns("text_chunking", "chunks", *_CHUNKED).where("status", _USABLE)
    described = rows.columns("metadata_enrichment", "payloads", *_DESCRIBED).where("status", _USABLE)
    settings = state.pipeline_config
    own = [row for row in read if _made_in(state, row)]
    return Content(
        progress=progress_timeline(events),
        pages=_pages(state, own),
        slowest=slowest_chart(own),
        confidence=confidence_chart(processed, float(settings.get("min_confidence_threshold", 0.0))),
        chunk_lengths=_chunk_lengths(chunked, settings.get("chunk_size")),
        formats=share_chart(
            [row.get("file_format") for row in processed],
            lambda count, total, name: stored(f"{count} of {total} documents are {name}"),
        ),
        languages=share_chart(
            described.column("language"),
            lambda count, total, name: stored(f"{count} of {total} documents are in {name}"),
        ),
        types=share_chart(
            described.column("document_type"),
            lambda count, total, kind: stored(f"{count} of {total} documents are of the type {kind}"),
        ),
        completeness=_completeness(state, described),
    )


def progress_timeline(events: Sequence[Row]) -> Timeline | None:
    """Return documents done over seconds, a line for each stage that worked on documents."""
    starts = [event for event in events if event.get("kind") == "run_started"]
    if not starts:
        return None
    begin = float(starts[-1]["at"])  # a run that was resumed has several starts
    series: dict[str, list[tuple[float, float]]] = {}
    for event in events:
        if event.get("kind") == "documents" and float(event["at"]) >= begin and event.get("total"):
            moment = (round(float(event["at"]) - begin, 2), float(event.get("done") or 0))
            series.setdefault(str(event["stage"]), []).append(moment)
    if not series:
        return None
    spans = {name: line[-1][0] - line[0][0] for name, line in series.items()}
    longest = max(spans, key=lambda name: spans[name])
    title = stored(f"{longest} spent the most time on documents: {spans[longest]:.0f} s")
    thinned = {name: _thinned(line) for name, line in series.items()}
    return Timeline(title=title, unit="documents", series=thinned)


def slowest_chart(made: Sequence[Row]) -> Chart | None:
    """Return the documents whose conversion took longest, of those that were converted."""
    took = [(float(row.get("seconds") or 0.0), row["path"]) for row in made]
    timed = sorted(took, key=lambda one: (-one[0], one[1]))
    sums = list(accumulate(seconds for seconds, _ in timed))
    if len(timed) < 2 or sums[-1] <= 0:
        return None
    most = _MOST * sums[-1]
    count, reached = next((count, reached) for count, reached in enumerate(sums, 1) if reached >= most)
    share = f"{reached / sums[-1]:.0%}"
    if count == 1:
        title = stored(f"{count} document of {len(timed)} took {share} of the conversion time")
    else:
        title = stored(f"{count} documents of {len(timed)} took {share} of the conversion time")
    if count > len(timed) / 2:
        seconds = timed[0][0]
        title = stored(f"The slowest of {len(timed)} documents took {seconds:.1f} s")
    first = timed[:_BARS]
    return Chart(
        title=title, unit="s", labels=[path for _, path in first], values=[seconds for seconds, _ in first]
    )


def confidence_chart(processed: Sequence[Row], threshold: float) -> Chart | None:
    """Return the distribution of confidence over documents with pages, read from a text layer and by OCR."""
    paged = [row for row in processed if row.get("pages") and row.get("confidence") is not None]
    if not paged:
        return None
    values = [float(row["confidence"]) for row in paged]
    below = sum(value < threshold for value in values)
    documents = _documents(len(paged))
    if not below:
        title = stored(f"All {documents} with pages reach {min(values):.2f} or more")
    elif below == 1:
        title = stored(f"{below} of {documents} with pages is below {threshold:g}")
    else:
        title = stored(f"{below} of {documents} with pages are below {threshold:g}")
    edges = [round(index / 20, 2) for index in range(21)]
    layer, ocr = (
        _histogram(
            [v for v, row in zip(values, paged, strict=True) if bool(row["ocr_applied"]) is by_ocr], edges
        )
        for by_ocr in (False, True)
    )
    return Chart(
        title=title, unit="confidence", edges=edges, values=layer, beside=ocr,
        series=["text layer", "OCR"], bound=threshold or None,
    )  # fmt: skip


def length_chart(lengths: Sequence[int], limit: float | None) -> Chart | None:
    """Return the distribution of the chunks' lengths in tokens; `limit` is the configured size."""
    if not lengths:
        return None
    top = max([*lengths, limit or 1])
    edges = [round(top * index / 24, 1) for index in range(25)]
    middle = sorted(lengths)[len(lengths) // 2]
    title = stored(f"Half of the {len(lengths):,} chunks have {middle} tokens or more")
    return Chart(
        title=title,
        unit="tokens",
        edges=edges,
        values=_histogram(lengths, edges),
        series=["chunks"],
        bound=limit,
    )


def share_chart(values: Iterable[Any], title: Callable[[int, int, str], str]) -> Chart | None:
    """Return how often each value occurs, the most frequent first; the rest is one bar.

    Args:
        values: one a document.
        title: told how many of how many documents have the most frequent value, and that.
    """
    counts = Counter(str(value) if value else "unknown" for value in values)
    if not counts:
        return None
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    name, most = ordered[0]
    shown, rest = ordered[: _BARS - 1], ordered[_BARS - 1 :]
    if rest:
        shown.append((stored(f"{len(rest)} others"), sum(count for _, count in rest)))
    return Chart(
        title=title(most, counts.total(), name),
        unit="documents",
        labels=[k for k, _ in shown],
        values=[float(v) for _, v in shown],
    )


def _pages(state: PipelineState, own: Sequence[Row]) -> Timeline | None:
    finished = sorted((_seconds_since(state, row), int(row["pages"])) for row in own if row.get("pages"))
    line, total = [], 0
    for moment, pages in finished:
        total += pages
        line.append((moment, float(total)))
    if len(line) < 2:
        return None
    title = stored(f"{total:,} pages were converted, the last one {line[-1][0]:.0f} s after the start")
    return Timeline(title=title, unit="pages", series={"pages": _thinned(line)})


def _chunk_lengths(chunked: Rows, limit: Any) -> Chart | None:
    lengths = [tokens for document in chunked.column("chunk_tokens") for tokens in document or ()]
    return length_chart(lengths, float(limit) if limit else None)


def _completeness(state: PipelineState, described: Rows) -> Chart | None:
    counts = Counter(str(name) for names in described.column("filled") for name in names or [])
    if not described:
        return None
    result = state.stages["metadata_enrichment"].result
    average = result.metrics.get("metadata_completeness") if result else None
    if isinstance(average, int | float):
        title = stored(f"{average:.0%} of the optional metadata is filled, on average")
    elif len(counts) == 1:
        title = stored(f"{len(counts)} metadata field is filled in at least one document")
    else:
        title = stored(f"{len(counts)} metadata fields are filled in at least one document")
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    values = [round(100 * count / len(described), 1) for _, count in ordered]
    return Chart(title=title, unit="% of documents", labels=[name for name, _ in ordered], values=values)


def _made_in(state: PipelineState, row: Row) -> bool:
    return row["status"] != "stale" and bool(row.get("produced_at")) and _seconds_since(state, row) >= 0


def _seconds_since(state: PipelineState, row: Row) -> float:
    produced = datetime.fromisoformat(str(row["produced_at"]))
    return (produced - state.start_timestamp.replace(microsecond=0)).total_seconds()


def _histogram(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = [0.0] * (len(edges) - 1)
    width = (edges[-1] - edges[0]) / len(counts)
    for value in values:
        counts[min(max(int((value - edges[0]) / width), 0), len(counts) - 1)] += 1
    return counts


def _thinned(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
    step = -(-len(line) // _MOMENTS)
    kept = line[::step]
    return kept if kept[-1] == line[-1] else [*kept, line[-1]]


def _documents(count: int) -> str:
    return stored(f"{count} document") if count == 1 else stored(f"{count} documents")
