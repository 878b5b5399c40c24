"""Lists a commit's tree through GitLab's API, and shows that the list is complete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from gitlab.v4.objects import Project

from stagekit.errors import StageError
from stagekit.ingestion.content import algorithm_of, object_id
from stagekit.ingestion.gitlab.errors import explained

Entry = dict[str, str]  # GitLab's: id, name, type (blob, tree, commit), path, mode
_PAGE = 100


def list_tree(project: Project, commit: str) -> tuple[list[Entry], list[str]]:
    """Return every entry of a commit's tree, folders included, and sentences about what is odd.

    GitLab gives the git id of each folder, and a folder's id is the hash of its entries: entries that a lost
    page took away do not go unnoticed. The top folder, whose id the API does not tell, is listed a second
    time by itself.

    Raises:
        StageError: if the list cannot be shown to be complete.
    """
    with explained("the file listing", project):
        entries = _listed(project, commit, recursive=True)
        _require_same("", _inside("", entries), _listed(project, commit))
        folders = {entry["path"]: entry["id"] for entry in entries if entry["type"] == "tree"}
        content: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            folder = entry["path"].rpartition("/")[0]
            if folder and folder not in folders:
                raise _incomplete(folder)
            content[folder].append(entry)
        odd = [path for path, identity in folders.items() if tree_id(content[path], identity) != identity]
        for path in odd:
            # Names that are not UTF-8 arrive altered, and their folder's hash cannot be had from them.
            _require_same(path, content[path], _listed(project, commit, path))
    return entries, [
        f"The folder {path!r} holds names that GitLab's API does not give as they are (not UTF-8): "
        "its list was checked by reading it twice."
        for path in odd
    ]


def tree_id(entries: list[Entry], like: str) -> str:
    """Return git's id of a folder by what lies in it; a like id tells the repository's hash function."""
    # git-mktree(1): "mode name\0id" for each entry, sorted as if the names of folders ended with a slash.
    ordered = sorted(
        entries, key=lambda e: e["name"].encode("utf-8", "replace") + b"/" * (e["type"] == "tree")
    )
    data = b"".join(
        e["mode"].lstrip("0").encode()
        + b" "
        + e["name"].encode("utf-8", "replace")
        + b"\0"
        + bytes.fromhex(e["id"])
        for e in ordered
    )
    return object_id(b"tree", data, algorithm_of(like))


def _listed(project: Project, commit: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
    """Follow the pages to the end, whichever kind of paging the server answers with."""
    listing = project.repository_tree(
        path=path, ref=commit, recursive=recursive, per_page=_PAGE, pagination="keyset", iterator=True
    )
    promised = getattr(listing, "total", None)  # of the first page: absent with keyset paging
    entries: list[Entry] = []
    seen: set[str] = set()
    for entry in _drain(listing):
        if entry["path"] in seen:
            raise StageError(
                f"GitLab listed {entry['path']!r} twice, so its pages do not fit together: run again, and "
                "report it to whoever runs the server if it persists."
            )
        seen.add(entry["path"])
        entries.append(entry)
    if getattr(listing, "next_page", None) or (promised is not None and promised != len(entries)):
        raise _incomplete(path)
    if promised is None and entries and not len(entries) % _PAGE:
        # A last page that is full looks like one whose link to the next was lost on the way.
        further = project.repository_tree(
            path=path, ref=commit, recursive=recursive, per_page=_PAGE, page=len(entries) // _PAGE + 1
        )
        if list(further):
            raise _incomplete(path)
    return entries


def _drain(listing: Any) -> Iterator[Entry]:
    try:
        for entry in listing:
            if not isinstance(entry, dict) or not {"id", "name", "type", "path", "mode"} <= set(entry):
                raise StageError("GitLab's file listing has an unknown form; check gitlab_url.")
            yield entry
    except RecursionError:  # python-gitlab follows links to empty pages by recursion
        raise StageError("GitLab's file listing has no end: its pages are empty and link on.") from None


def _inside(folder: str, entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry["path"].rpartition("/")[0] == folder]


def _require_same(folder: str, one: list[Entry], other: list[Entry]) -> None:
    def form(entries: list[Entry]) -> set[tuple[str, str, str]]:
        return {(entry["path"], entry["id"], entry["mode"]) for entry in entries}

    if form(one) != form(other):
        raise _incomplete(folder)


def _incomplete(folder: str) -> StageError:
    place = f"the folder {folder!r}" if folder else "the top folder"
    return StageError(
        f"GitLab's list of {place} is not complete, so documents would look deleted: run again, and check "
        "proxies between here and GitLab (they must keep the Link header) if it persists."
    )
