"""The commands that ask the collection: ``search`` a question, ``evaluate`` many with known answers."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import search_screens as screens
from runner.cli.call import Call
from runner.errors import ConfigurationError
from runner.search.asking import ask_collection, search_request
from runner.tools import run_tool
from stagekit.base.files import atomic_write, sha256_file

if TYPE_CHECKING:
    from runner.record.state_manager import StateManager

_WITH_COMMAS = frozenset({"clause", "clauses"})
_FILTER = re.compile(r"\s*([^=<>]*[^=<>\s])\s*(>=|<=|=|>|<)\s*(.*)", re.DOTALL)

EVALUATION_FILE = "evaluation.json"
"""What the last evaluation found, in the folder of the run that made the collection."""


class _Mode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


_ModeOption = Annotated[
    _Mode | None,
    typer.Option("--mode", help="By meaning and words (hybrid), meaning (dense), or words (sparse)."),
]
_CollectionOption = Annotated[
    str, typer.Option("--collection", help="Another collection than the configured one.")
]


def search(
    call: Call,
    question: Annotated[str, typer.Argument(help="A question in your own words.")],
    top: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 5,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            help="A field as name=value, name=a,b (either), or for dates and numbers name>=value, >, <=, <; "
            "may be repeated: docs/search.md.",
        ),
    ] = None,
    per_document: Annotated[
        int | None,
        typer.Option(min=0, help="Most passages of one document, 0 for all; 2, or all of a filtered file."),
    ] = None,
    mode: _ModeOption = None,
    collection: _CollectionOption = "",
) -> None:
    """Search the collection: the best passages, each in its context, with a link to its file.

    Example: nic-etl search "prazo para comunicar um incidente de segurança" --filter language=pt-BR
    """
    chosen = parse_filters(filters or [])
    hits = ask_collection(
        call.config,
        question,
        top=top,
        passages_per_document=per_document,
        filters=chosen,
        mode=mode or "",
        collection=collection,
    )
    call.answer(hits, screens.print_hits)


def evaluate(
    call: Call,
    queries: Annotated[
        Path, typer.Argument(help='JSON lines such as {"query": "…", "paths": ["…"], "lang": "pt"}.')
    ],
    mode: _ModeOption = None,
    compare: Annotated[bool, typer.Option("--compare", help="All modes side by side.")] = False,
    collection: _CollectionOption = "",
) -> None:
    """Measure how well the collection answers questions whose documents are known.

    Each line of the file is a JSON object: query (the question), paths (the
    document that answers it, and its copies), and optionally id, and lang and
    class, by which figures are grouped. A document ranks by its best passage.
    The figures are also kept as evaluation.json in the folder of the run that
    made the collection.

    Example: nic-etl evaluate questions.jsonl --compare
    """
    from runner.models import now

    request = search_request(call.config, mode or "", collection)
    request |= {"queries": str(queries.absolute()), "compare": compare}
    report = run_tool("stagekit.search.evaluation", request)
    report["evaluated_at"] = now().isoformat(timespec="seconds")
    report["queries_sha256"] = sha256_file(queries)
    call.answer(report, screens.print_evaluation, report, _keep(call.state, report))


def parse_filters(words: list[str]) -> dict[str, dict[str, list[str]]]:
    """Return the values by field and operator of words such as ``language=pt-BR,es`` or ``created>=2024``.

    A field that is named twice with ``=`` may have either value. A comma with a space after it is part of the
    value, as in ``author=Souza, Ana``; so is any comma of a clause, as in ``clause=art.5,I``.

    Raises:
        ConfigurationError: for a word without a field or a value.
    """
    filters: dict[str, dict[str, list[str]]] = {}
    for word in words:
        found = _FILTER.fullmatch(word)
        name, operator, text = found.groups() if found else ("", "=", "")
        parts = [text] if name in _WITH_COMMAS else re.split(r",(?=\S)", text)
        values = [value.strip() for value in parts if value.strip()]
        if not values:
            raise ConfigurationError(
                f"--filter {word}: write it as field=value, for example --filter status=approved, or for "
                "dates and numbers with >=, >, <= or <, in quotation marks: --filter 'created>=2024-01-01'."
            )
        filters.setdefault(name, {}).setdefault(operator, []).extend(values)
    return filters


def _keep(manager: StateManager, report: dict[str, Any]) -> Path | None:
    """Write the report beside the last run that wrote into its collection, and return the file's path."""
    from runner.models import ExecutionMode

    for record in manager.get_execution_history():
        if record.mode in {"", ExecutionMode.TEST}:
            continue
        run = manager.load_checkpoint(record.execution_id)
        if run.pipeline_config.get("collection_name") == report["collection"]:
            path = manager.run_dir(run.execution_id) / EVALUATION_FILE
            atomic_write(path, json.dumps(report, ensure_ascii=False, indent=1).encode())
            return path
    return None
