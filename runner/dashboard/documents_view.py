"""Documents that need attention: by cause and by document, with the remedy and the page itself."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from runner.dashboard.background import Action
from runner.dashboard.markup import STYLE, badge, note, plain, span
from runner.dashboard.page_image import DRAWABLE, draw_page
from runner.dashboard.workspace import Workspace
from runner.models import PipelineState
from runner.record.report_generator import RunRows, document_outcomes, ignored_files
from runner.report.documents import problem_groups
from runner.report.model import ProblemGroup
from stagekit.contract import artifact_refs
from stagekit.errors import StageError

__all__ = ["DocumentsView", "create_error_analysis_widget"]

Row = dict[str, Any]
_MOST = 2000  # lines of a list: a browser shows no more with ease
_LISTING = ("gitlab_ingestion", "documents")


class DocumentsView:
    """The documents of one run: a list by cause, and the details of the chosen one.

    Attributes:
        cause: which documents are listed.
        documents: the list.
        details: of the chosen document.
        picture: its page.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._rows: RunRows | None = None
        self._outcomes: list[Row] = []
        self._groups: list[ProblemGroup] = []
        self._ignored: list[Row] = []
        wide = widgets.Layout(width="calc(100% - 8px)")
        self.summary = widgets.HTML()
        self.cause = widgets.Dropdown(layout=wide)
        self.filter = widgets.Text(placeholder="part of a path", layout=wide)
        self.documents = widgets.Select(rows=14, layout=wide)
        self.details = widgets.HTML()
        self.page = widgets.BoundedIntText(
            value=1, min=1, max=1, description="Page", layout=widgets.Layout(width="150px")
        )
        self.picture = widgets.Image(
            format="png", layout=widgets.Layout(max_width="100%", border="1px solid #d0d7de")
        )
        self.draw = Action("Show page", self._drawn, "Draw a page of the document", busy="Drawing …")
        self._pages = widgets.HBox([self.page, self.draw.button], layout=widgets.Layout(display="none"))
        left = widgets.VBox(
            [self.cause, self.filter, self.documents],
            layout=widgets.Layout(flex="1 1 360px", min_width="0"),
        )
        right = widgets.VBox(
            [self.details, self._pages, self.draw.output, self.picture],
            layout=widgets.Layout(flex="1 1 380px", min_width="0", padding="0 0 0 12px"),
        )
        columns = widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap"))
        self.widget = widgets.VBox([self.summary, columns])
        for field in (self.cause, self.filter):
            field.observe(self._list, "value")
        self.documents.observe(self._choose, "value")
        self.page.observe(lambda _: self.draw.begin(), "value")
        self._list(None)

    def show(self, state: PipelineState) -> None:
        """Show the documents of a run; what was chosen stays chosen where it is still there."""
        manager = self._workspace.manager
        self._rows = RunRows(manager, state)
        self._outcomes = document_outcomes(manager, state, self._rows)
        self._ignored = ignored_files(manager, state, self._rows)
        self._groups = problem_groups(self._outcomes)
        bad = sum(len(group.documents) for group in self._groups)
        total = len(self._outcomes)
        before, chosen = self.cause.value, self.documents.value
        if bad and "attention" not in [value for _, value in self.cause.options]:
            before = "attention"  # nothing was to be chosen there before
        options: list[tuple[str, int | str]] = []
        if self._groups:
            options.append(("Everything that needs attention", "attention"))
            options += [(_group_words(group), index) for index, group in enumerate(self._groups)]
        options += [(f"All documents ({total})", "all")]
        options += [(f"Files that are no documents ({len(self._ignored)})", "ignored")]
        self.cause.options = options
        values = [value for _, value in options]
        self.cause.value = before if before in values else values[0]
        self._list(None)
        if chosen in [value for _, value in self.documents.options]:
            self.documents.value = chosen
        words = f"{bad} of {total} documents need attention" if bad else f"All {total} documents are in order"
        words += " so far" if state.end_timestamp is None else ""
        # Last: whoever reads the number finds the list that belongs to it.
        self.summary.value = note(
            f"<h3>{span(words, 'warn' if bad else 'good')}</h3>{span(f'run {state.execution_id}', 'soft')}"
        )

    def _list(self, _: Any) -> None:
        cause = self.cause.value
        if cause == "ignored":
            rows = [(row["path"], "no document") for row in self._ignored]
        elif isinstance(cause, int):
            group = self._groups[cause]
            rows = [(document.path, group.status) for document in group.documents]
        else:
            bad = cause == "attention"
            rows = [
                (row["path"], row["status"]) for row in self._outcomes if not bad or row["status"] != "ok"
            ]
        wanted = self.filter.value.strip().lower()
        found = [(path, status) for path, status in rows if wanted in path.lower()][:_MOST]
        self.documents.options = [(f"{status}: {path}", path) for path, status in found]
        self.documents.value = found[0][0] if found else None
        self._choose(None)

    def _choose(self, _: Any) -> None:
        path = self.documents.value
        self.picture.value, self.draw.output.value = b"", ""
        self.picture.layout.display = "none"
        row = next((row for row in self._outcomes if row["path"] == path), None)
        ignored = next((row for row in self._ignored if row["path"] == path), None)
        if row is None and ignored is None:
            self.details.value = note(span("No document is listed.", "soft"))
        elif row is None or self.cause.value == "ignored":
            self.details.value = note(f"<h3>{plain(path)}</h3>{plain((ignored or {}).get('reason'))}")
        else:
            self.details.value = note(_described(row, self._conversion(path)))
        extension = str(path or "").rpartition(".")[2].lower()
        drawable = row is not None and extension in DRAWABLE
        self._pages.layout.display = None if drawable else "none"
        self.page.max, self.page.value = 9999, 1
        if drawable:
            self.draw.begin()

    def _conversion(self, path: str) -> Row:
        rows = self._rows("document_processing", "processed") if self._rows else []
        return next((row for row in rows if row["path"] == path), {})

    def _drawn(self) -> str:
        path, page = self.documents.value, self.page.value
        source = self._rows(*_LISTING) if self._rows else []
        row = next((row for row in source if row["path"] == path), None)
        refs = artifact_refs(row["content"]) if row and row.get("content") else []
        if not refs:
            return note(span("Its file is not kept.", "soft"))
        try:
            data = self._workspace.manager.store.read(refs[0])
        except StageError as error:
            return note(span(error, "bad"))
        image = draw_page(data, str(path).rpartition(".")[2].lower(), page)
        if (path, page) != (self.documents.value, self.page.value):  # chosen meanwhile
            return self._drawn()
        self.picture.value = image.png
        self.picture.layout.display = None if image.png else "none"
        if not image.png:
            return note(span(image.reason, "soft"))
        return note(span(f"page {min(page, image.pages)} of {image.pages}", "soft"))


def create_error_analysis_widget(workspace: Workspace | None = None, execution_id: str = "") -> widgets.VBox:
    """Return the documents of a run that need attention: by cause, by document, with remedy and page image.

    Args:
        workspace: which outputs folder; None: that of the default configuration.
        execution_id: of the run; empty: the last one.

    Raises:
        StateManagementError: if there is no such run.
    """
    chosen = workspace or Workspace.open()
    view = DocumentsView(chosen)
    view.show(chosen.manager.load_checkpoint(execution_id))
    view.widget.children = (widgets.HTML(STYLE), *view.widget.children)
    return view.widget


def _group_words(group: ProblemGroup) -> str:
    count = len(group.documents)
    return f"{group.status}: {group.category.replace('_', ' ') or 'no reason given'} ({count})"


def _described(row: Row, conversion: Row) -> str:
    lines = [f"<h3>{plain(row['path'])}</h3>{badge(row['status'])} {span('in ' + row['stage'], 'soft')}"]
    if row["status"] == "ok":
        lines[0] = f"<h3>{plain(row['path'])}</h3>{badge('ok')}"
    if row.get("message"):
        lines.append(f"<p><b>Why:</b> {plain(row['message'])}</p>")
    if row.get("remedy"):
        lines.append(f"<p><b>What to do:</b> {plain(row['remedy'])}</p>")
    facts = {
        "title": conversion.get("title"),
        "pages": conversion.get("pages"),
        "read by OCR": "yes" if conversion.get("ocr_applied") else None,
        "confidence": f"{conversion['confidence']:.2f}" if conversion.get("confidence") is not None else None,
        "quality": conversion.get("quality_verdict"),
    }
    told = [f"{plain(name)}: {plain(value)}" for name, value in facts.items() if value not in (None, "")]
    lines += [f"<p>{' · '.join(told)}</p>"] if told else []
    warnings = [plain(text) for text in (conversion.get("warnings") or [])[:10]]
    lines += ["<ul>" + "".join(f"<li>{text}</li>" for text in warnings) + "</ul>"] if warnings else []
    return "".join(lines)
