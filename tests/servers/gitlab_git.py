"""Answers the questions of GitLab's repository API from a real git repository, through the git executable."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FORMAT = "%x01%H%x00%h%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%s%x00%B"
_TREE_ORDER = {"tree": 0, "blob": 1, "commit": 2}  # app/finders/repositories/tree_finder.rb


@dataclass(frozen=True)
class Entry:
    mode: str
    kind: str
    identity: str
    path: str

    def shape(self) -> dict[str, Any]:
        name = self.path.rpartition("/")[2]
        return {"id": self.identity, "name": name, "type": self.kind, "path": self.path, "mode": self.mode}


@dataclass
class GitRepository:
    """A repository on disk. Answers that belong to a commit id are remembered: they cannot change."""

    path: Path
    _trees: dict[tuple[str, str, bool], list[Entry]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _reader: subprocess.Popen[bytes] | None = None

    def git(self, *arguments: str) -> bytes:
        return self._run(*arguments).stdout

    def ask(self, *arguments: str) -> str:
        """Return what git prints, empty where it fails."""
        done = self._run(*arguments)
        return "" if done.returncode else done.stdout.decode("utf-8", "replace").strip()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            check=False,
            capture_output=True,
            env=os.environ | {"GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"},
        )

    def close(self) -> None:
        if self._reader is not None:
            self._reader.kill()
            self._reader.communicate()

    # References

    def resolve(self, ref: str) -> str:
        """Return the commit that a branch, a tag or an id names (the branch wins), or an empty text."""
        for name in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref):
            commit = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            if commit:
                return commit
        return ""

    def refs(self, kind: str) -> list[str]:
        return self.ask("for-each-ref", "--format=%(refname:lstrip=2)", f"refs/{kind}").splitlines()

    def default_branch(self) -> str | None:
        branches = self.refs("heads")
        head = self.ask("symbolic-ref", "--short", "HEAD")
        return head if head in branches else (branches[0] if branches else None)

    def object_format(self) -> str:
        return self.ask("rev-parse", "--show-object-format") or "sha1"

    # Trees and blobs

    def tree(self, commit: str, path: str = "", recursive: bool = True) -> list[Entry] | None:
        """Return a folder's entries in GitLab's order, None where there is no such folder."""
        path = path.strip("/")
        key = (commit, path, recursive)
        with self._lock:
            if key not in self._trees:
                place = f"{commit}:{path}" if path else commit
                if self.ask("cat-file", "-t", f"{commit}:{path}") != "tree":
                    return None
                records = self.git("ls-tree", "-z", *(["-r", "-t"] if recursive else []), place).split(b"\0")
                entries = [_entry(record, path) for record in records if record]
                self._trees[key] = sorted(entries, key=lambda entry: _TREE_ORDER[entry.kind])
        return self._trees[key]

    def entry(self, commit: str, path: str) -> Entry | None:
        folder = path.rpartition("/")[0]
        entries = self.tree(commit, folder, recursive=False) or []
        return next((entry for entry in entries if entry.path == path), None)

    def blob(self, identity: str) -> bytes | None:
        if not identity or any(sign not in "0123456789abcdef" for sign in identity):
            return None
        with self._lock:
            if self._reader is None:
                self._reader = subprocess.Popen(
                    ["git", "-C", str(self.path), "cat-file", "--batch"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            assert self._reader.stdin is not None
            assert self._reader.stdout is not None
            self._reader.stdin.write(identity.encode() + b"\n")
            self._reader.stdin.flush()
            head = self._reader.stdout.readline().split()
            if len(head) != 3:
                return None
            data = self._reader.stdout.read(int(head[2]))
            self._reader.stdout.read(1)
        return data if head[1] == b"blob" else None

    # Commits

    def commits(self, range_: str, path: str = "", options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        place = ("--", path) if path else ("--",)
        output = self.git("log", f"--format={_FORMAT}", "--encoding=UTF-8", *options, range_, *place)
        return [_commit(record) for record in output.decode("utf-8", "replace").split("\x01") if record]

    def commit(self, commit: str) -> dict[str, Any]:
        return self.commits(commit, options=("--max-count=1",))[0]

    def last_commit(self, commit: str, path: str) -> str:
        return self.ask("log", "--max-count=1", "--format=%H", commit, "--", path)

    def diffs(self, range_: str) -> list[dict[str, Any]]:
        records = (
            self.git("diff", "--raw", "-z", "-M", "--no-abbrev", range_)
            .decode("utf-8", "replace")
            .split("\0")
        )
        found, at = [], 0
        while at < len(records) and records[at].startswith(":"):
            old_mode, new_mode, _, _, status = records[at][1:].split(" ")
            names = 2 if status[0] in "RC" else 1
            old, new = records[at + 1], records[at + names]
            at += 1 + names
            found.append(
                {
                    "old_path": old,
                    "new_path": new,
                    "a_mode": old_mode,
                    "b_mode": new_mode,
                    "new_file": status == "A",
                    "renamed_file": status[0] == "R",
                    "deleted_file": status == "D",
                    "diff": "",
                    "collapsed": True,  # the patch is left out, as GitLab does beyond its limits
                    "too_large": False,
                }
            )
        return found


def file_facts(repository: GitRepository, commit: str, ref: str, entry: Entry, data: bytes) -> dict[str, Any]:
    """Return what GitLab's files API says of a file, without its content."""
    return {
        "file_name": entry.path.rpartition("/")[2],
        "file_path": entry.path,
        "size": len(data),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(data).hexdigest(),
        "ref": ref,
        "blob_id": entry.identity,
        "commit_id": commit,
        "last_commit_id": repository.last_commit(commit, entry.path),
        "execute_filemode": entry.mode == "100755",
    }


def _entry(record: bytes, folder: str) -> Entry:
    facts, _, name = record.partition(b"\t")
    mode, kind, identity = facts.decode().split()
    path = name.decode("utf-8", "replace")
    return Entry(mode, kind, identity, f"{folder}/{path}" if folder else path)


def _commit(record: str) -> dict[str, Any]:
    identity, short, parents, author, author_mail, authored, committer, mail, committed, title, message = (
        record.rstrip("\n").split("\0")
    )
    return {
        "id": identity,
        "short_id": short[:8],
        "created_at": _time(committed),
        "parent_ids": parents.split(),
        "title": title,
        "message": message,
        "author_name": author,
        "author_email": author_mail,
        "authored_date": _time(authored),
        "committer_name": committer,
        "committer_email": mail,
        "committed_date": _time(committed),
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"https://gitlab.example/-/commit/{identity}",
    }


def _time(text: str) -> str:
    # git's %cI is 2023-11-15T00:16:40+02:00; GitLab writes milliseconds.
    return f"{text[:19]}.000{text[19:]}"
