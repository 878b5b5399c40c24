"""Who wrote and last changed each file, from few requests: only files touched since are asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gitlab.exceptions import GitlabError
from gitlab.v4.objects import Project

from stagekit.ingestion.gitlab.errors import explained, status_of
from stagekit.ingestion.gitlab.listing import list_tree
from stagekit.ingestion.source import MOST_RENAMES, FileHistory

Commit = dict[str, Any]
Ends = tuple[Commit, Commit]  # the last and the first commit of a path
ForEach = Callable[[Callable[[Project, Any], Any], list[Any]], list[Any]]  # in parallel, in order
_PAGE = 100
_MOST_DIFFS = 1000  # where GitLab cuts the list of a comparison by default


@dataclass(frozen=True)
class Change:
    """What is remembered of a path: the blob it had, its last commit, and the first one of its text."""

    blob: str
    last: FileHistory
    first: str

    def plain(self) -> list[str | None]:
        """Return it as plain JSON."""
        last = self.last
        return [self.blob, last.commit, last.timestamp, last.author, last.created, self.first]

    @classmethod
    def from_plain(cls, value: list[Any]) -> Change:
        """Return what :meth:`plain` was made from."""
        blob, commit, timestamp, author, created, first = value
        return cls(blob, FileHistory(commit, timestamp, author, created), first)


class History:
    """Finds the last commit of paths at one commit, and the first, also under former names.

    Listings of commits are narrowed to the only approved folder, if there is one; ``for_each`` runs a
    function of (project, item) over items in parallel.
    """

    def __init__(self, project: Project, commit: str, folder: str, for_each: ForEach) -> None:
        self._project = project
        self._commit = commit
        self._folder = folder
        self._for_each = for_each

    def of(self, wanted: Mapping[str, str], known: Mapping[str, Change], known_at: str) -> dict[str, Change]:
        """Return the change of each wanted path, given with its blob id, from what an earlier commit told."""
        with explained("the history", self._project):
            kept = self._still_true(known, known_at) if known_at else {}
            found = {
                path: kept[path] for path, blob in wanted.items() if path in kept and kept[path].blob == blob
            }
            missing = [path for path in wanted if path not in found]
            ends = self._walked(missing)
            asked = [path for path in missing if path not in ends]
            answers = self._for_each(self._ask, [(path, self._commit) for path in asked])
            ends |= {path: (a[0], a[-1]) for path, a in zip(asked, answers, strict=True) if a}
            origins = self._origins({path: first for path, (_, first) in ends.items()})
        return found | {path: _change(wanted[path], last, origins[path]) for path, (last, _) in ends.items()}

    def _origins(self, firsts: Mapping[str, Commit]) -> dict[str, Commit]:
        """Return the first commit of each text: files that were moved are followed to their former names."""
        origins = dict(firsts)
        names = {path: path for path in firsts}
        for _ in range(MOST_RENAMES):
            adding = {origins[path]["id"]: origins[path] for path in names if _parent(origins[path])}
            moves = dict(zip(adding, self._for_each(_moves, list(adding.values())), strict=True))
            former = {
                path: moves[origins[path]["id"]][name]
                for path, name in names.items()
                if name in moves.get(origins[path]["id"], {})
            }
            if not former:
                break
            asked = [(name, _parent(origins[path])) for path, name in former.items()]
            answers = dict(zip(former, self._for_each(self._ask, asked), strict=True))
            names = {path: former[path] for path, answer in answers.items() if answer}
            origins |= {path: answers[path][-1] for path in names}
        return origins

    def _still_true(self, known: Mapping[str, Change], known_at: str) -> dict[str, Change]:
        """Leave out what later commits touched, and what stands in commits that a force push removed."""
        if known_at == self._commit or not known:
            return dict(known)
        try:
            self._project.commits.get(known_at)
        except GitlabError as error:
            if status_of(error) == 404:
                return {}
            raise
        dropped = {commit["id"] for commit in self._commits(f"{self._commit}..{known_at}", everywhere=True)}
        new = self._commits(f"{known_at}..{self._commit}", limit=len(known))
        if new is None:
            return {}
        touched = set().union(*self._for_each(_touched, new))
        return {
            path: change
            for path, change in known.items()
            if path not in touched and not {change.last.commit, change.first} & dropped
        }

    def _walked(self, missing: list[str]) -> dict[str, Ends]:
        """Find last and first commits by a walk through all commits, where these are fewer than the files."""
        commits = self._commits(self._commit, limit=len(missing) // 2) if len(missing) > _PAGE else None
        if commits is None:
            return {}
        branching = any(len(commit["parent_ids"]) > 1 for commit in commits)
        touching: dict[str, list[Commit]] = {}
        for commit, touched in zip(commits, self._for_each(_touched, commits), strict=True):
            for path in touched:
                touching.setdefault(path, []).append(commit)
        # Where histories branch, only git itself knows which of several changes a merge has kept.
        return {
            path: (touching[path][0], touching[path][-1])
            for path in missing
            if path in touching and (len(touching[path]) == 1 or not branching)
        }

    def _commits(self, range_: str, limit: int | None = None, *, everywhere: bool = False) -> Any:
        """Return the commits of a range, newest first; None where there are more than ``limit``."""
        query = {"ref_name": range_} | ({"path": self._folder} if self._folder and not everywhere else {})
        listed: list[Commit] = []
        for commit in self._project.commits.list(query_parameters=query, per_page=_PAGE, iterator=True):
            listed.append(commit.attributes)
            if limit is not None and len(listed) > limit:
                return None
        return listed

    @staticmethod
    def _ask(project: Project, wanted: tuple[str, str]) -> list[Commit]:
        """Return the commits that touched a path, seen from a commit."""
        path, commit = wanted
        query = {"ref_name": commit, "path": path}
        listing = project.commits.list(query_parameters=query, per_page=_PAGE, iterator=True)
        return [commit.attributes for commit in listing]


def utc(time: str | None) -> str | None:
    """Return one of GitLab's times as RFC 3339 in UTC, to the second.

    >>> utc("2023-11-15T00:16:40.000+02:00")
    '2023-11-14T22:16:40Z'
    """
    try:
        return datetime.fromisoformat(time or "").astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):  # commits with impossible dates exist
        return None


def _change(blob: str, last: Commit, first: Commit) -> Change:
    author = str(first.get("author_name") or "").strip() or None
    history = FileHistory(last["id"], utc(last.get("committed_date")), author, None)
    return Change(blob, replace(history, created=utc(first.get("committed_date"))), first["id"])


def _touched(project: Project, commit: Commit) -> set[str]:
    """Return the paths that a commit touched; of a merge, those that it has from no parent."""
    parents = commit["parent_ids"]
    if not parents:
        return {entry["path"] for entry in list_tree(project, commit["id"])[0]}
    return set.intersection(*(_changed(project, parent, commit["id"]) for parent in parents))


def _parent(commit: Commit) -> str:
    """Return the one parent of a commit; empty text where it has none or several."""
    return commit["parent_ids"][0] if len(commit["parent_ids"]) == 1 else ""


def _moves(project: Project, commit: Commit) -> dict[str, str]:
    """Return the former names of what a commit moved, by the new ones."""
    answer = project.repository_compare(_parent(commit), commit["id"], straight=True)
    diffs: Iterable[Mapping[str, Any]] = answer["diffs"]  # type: ignore[index]
    return {diff["new_path"]: diff["old_path"] for diff in diffs if diff["renamed_file"]}


def _changed(project: Project, old: str, new: str) -> set[str]:
    answer = project.repository_compare(old, new, straight=True)
    diffs: Iterable[Mapping[str, Any]] = answer["diffs"]  # type: ignore[index]
    paths = {diff[name] for diff in diffs for name in ("old_path", "new_path")}
    if answer["compare_timeout"] or len(answer["diffs"]) >= _MOST_DIFFS:  # type: ignore[index]
        before, after = (
            {(entry["path"], entry["id"], entry["mode"]) for entry in list_tree(project, commit)[0]}
            for commit in (old, new)
        )
        paths = {path for path, _, _ in before ^ after}
    return paths
