"""Which documents here replace others, by their front matter or by a sentence that revokes one as a whole.

A relation is part of what determines both documents' payloads, and goes when the document that says it goes.
Nothing is ever left out because of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from stagekit.artifacts.rows import column_of
from stagekit.declared.keys import fold
from stagekit.declared.revocation import act_key

Row = dict[str, Any]
_SHOWN = 100


def relate_documents(processed: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return a row for each document: what supersedes it, and which names it revokes in vain.

    Args:
        processed: rows of ``document_processing.processed``: document_id, path, title, revokes.

    Returns:
        rows of document_id, superseded_by (see :class:`stagekit.enrichment.schema.Superseding`, or None) and
        warnings, in the order of ``processed``. A name counts that one other document here bears: its path,
        file name, title, or kind, number and year of the act ("Portaria nº 12/2023").
    """
    ids = column_of(processed, "document_id")
    said = {place: found for place, found in enumerate(column_of(processed, "revokes")) if found}
    superseded: dict[int, Row] = {}
    warnings: dict[int, list[str]] = defaultdict(list)
    if said:
        paths, titles = column_of(processed, "path"), column_of(processed, "title")
        bearers = _bearers(paths, titles)
        # What front matter says goes before what a sentence says.
        ordered = sorted(
            ((claim["quote"] is not None, place, claim) for place, found in said.items() for claim in found),
            key=lambda item: item[:2],
        )
        for _, place, claim in ordered:
            named = _named(claim["names"], bearers) - {place}
            if len(named) == 1:
                by = {"document_id": ids[place], "file_path": paths[place], "quote": claim["quote"]}
                title = titles[place] or PurePosixPath(paths[place]).stem
                superseded.setdefault(named.pop(), by | {"title": title})
            elif claim["quote"] is None:
                count = f"{len(named)} documents here bear that name" if named else "no document here is it"
                warnings[place].append(f"it revokes {claim['names'][:_SHOWN]!r}: {count}")
    return [
        {"document_id": id_, "superseded_by": superseded.get(place), "warnings": warnings.get(place, [])}
        for place, id_ in enumerate(ids)
    ]


def _bearers(paths: Sequence[str], titles: Sequence[str | None]) -> dict[Any, set[int]]:
    """Return the places of the documents by each of their names."""
    found: dict[Any, set[int]] = defaultdict(set)
    for place, (path, title) in enumerate(zip(paths, titles, strict=True)):
        file = PurePosixPath(path)
        for name in (path, file.name, file.stem, title or ""):
            for key in _keys(name):
                found[key].add(place)
    return found


def _named(name: str, bearers: Mapping[Any, set[int]]) -> set[int]:
    """Return the documents that a name may mean: by its act, where it is one, else by its letters."""
    act = act_key(name)
    return set(bearers.get(act if act else fold(name), ())) or set(bearers.get(fold(name), ()))


def _keys(name: str) -> list[Any]:
    act = act_key(name.replace("_", " "))
    return [key for key in (fold(name), act) if key]
