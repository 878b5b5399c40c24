"""Who wrote each file of a git repository and when, also before it was moved to where it lies now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stagekit.errors import StageError
from stagekit.ingestion.git_command import git_output, git_records
from stagekit.ingestion.source import MOST_RENAMES, FileHistory

_DIFF_TREE = (
    "diff-tree", "--stdin", "-r", "-z", "--root", "--raw", "--no-abbrev", "--no-color", "--no-ext-diff",
    "--encoding=UTF-8", "--format=%H %ct %P%x00%an",
)  # fmt: skip
_ADDED = "A"


@dataclass(frozen=True)
class _Commit:
    """A commit that touched a file: its id, its time (RFC 3339, UTC), its author, and its parents."""

    id: str
    timestamp: str | None
    author: str | None
    parents: tuple[str, ...]


@dataclass
class _Touched:
    """What a walk found of a path: the newest commit, the one that gave it its content, and the oldest."""

    newest: _Commit
    oldest: _Commit
    added: bool = False
    content: _Commit | None = None


def file_histories(
    repository: Path, commit: str, folders: Sequence[str], wanted: Mapping[str, str]
) -> dict[str, FileHistory]:
    """Return the history of the wanted paths at a commit; those of which git knows nothing are left out.

    Of the commits that touched a path, the last is the newest that gave it the content it has now (a change
    on a branch that a merge dropped does not count). A file that was moved is followed to its former name:
    whoever moves a text into the approved folder has not written it.

    Args:
        repository: the repository's top folder.
        commit: where the walk begins.
        folders: what bounds the first walk; none means the whole tree.
        wanted: blob id by path.

    Raises:
        StageError: if git lacks a part of the history.
    """
    found = _walk(repository, [commit], folders, wanted)
    origins = {path: touched.oldest for path, touched in found.items()}
    # Former names are looked for below the commit that added a file; one walk serves all files of a round.
    names = {path: path for path, touched in found.items() if touched.added}
    for _ in range(MOST_RENAMES):
        moves = _former_names(repository, {path: (origins[path], name) for path, name in names.items()})
        if not moves:
            break
        starts = sorted({parent for path in moves for parent in origins[path].parents})
        earlier = _walk(repository, starts, sorted(set(moves.values())), dict.fromkeys(moves.values(), ""))
        names = {}
        for path, former in moves.items():
            if former in earlier:
                origins[path] = earlier[former].oldest
                if earlier[former].added:
                    names[path] = former
    return {path: _history(touched, origins[path]) for path, touched in found.items()}


def utc(seconds: str) -> str | None:
    """Return a time in seconds since 1970 as RFC 3339 in UTC; None for the impossible dates that exist."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None


def _history(touched: _Touched, origin: _Commit) -> FileHistory:
    last = touched.content or touched.newest
    return FileHistory(last.id, last.timestamp, origin.author, origin.timestamp)


def _walk(
    repository: Path, starts: Sequence[str], paths: Sequence[str], wanted: Mapping[str, str]
) -> dict[str, _Touched]:
    """Follow the wanted paths from the newest commit to the oldest."""
    found: dict[str, _Touched] = {}
    listed = git_output(repository, "rev-list", "--topo-order", *starts, "--", *paths)
    for commit, status, blob, path in _changes(repository, listed, "--no-renames", "-c", *_only(paths)):
        if path not in wanted:
            continue
        touched = found.setdefault(path, _Touched(commit, commit))
        touched.oldest, touched.added = commit, status == _ADDED
        if touched.content is None and blob == wanted[path]:
            touched.content = commit
    return found


def _former_names(repository: Path, added: Mapping[str, tuple[_Commit, str]]) -> dict[str, str]:
    """Return the name that each file had before the commit that added it, where that commit moved it."""
    commits = "\n".join(sorted({commit.id for commit, _ in added.values() if len(commit.parents) == 1}))
    if not commits:
        return {}
    try:
        moves = list(_changes(repository, commits, "--find-renames", "--diff-filter=R"))
    except StageError:  # a partial clone lacks the contents that tell which of two files are alike
        moves = list(_changes(repository, commits, "--find-renames=100%", "--diff-filter=R"))
    former = {(commit.id, new): old for commit, old, _, new in moves}
    return {
        path: former[commit.id, name] for path, (commit, name) in added.items() if (commit.id, name) in former
    }


def _changes(repository: Path, commits: str, *options: str) -> Iterator[tuple[_Commit, str, str, str]]:
    """Yield (commit, status, new blob id, path) of commits; of a rename, the former name for the status.

    ``diff-tree`` and ``rev-list`` are git's plumbing: what people set for themselves for `git log` and
    `git diff` (orders, colours, formats, how merges are shown) does not reach them.
    """
    records = git_records(
        repository,
        *_DIFF_TREE,
        *options,
        given=commits.encode() + b"\n" if commits else b"",
    )
    commit = _Commit("", None, None, ())
    for record in (text.lstrip("\n") for text in records):
        if record.startswith(":"):
            # git-diff-tree(1), raw format: n colons, n + 1 modes, n + 1 ids, status; the path is next.
            *_, blob, status = record.split()
            path = next(records, "")
            renamed = status.startswith("R")
            yield commit, path if renamed else status, blob, next(records, "") if renamed else path
        elif record:
            identity, seconds, *parents = record.split()
            commit = _Commit(identity, utc(seconds), _name(next(records, "")), tuple(parents))


def _only(paths: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(paths)
    return ("--", *listed) if listed else ()


def _name(author: str) -> str | None:
    return author.encode("utf-8", "replace").decode().strip() or None
