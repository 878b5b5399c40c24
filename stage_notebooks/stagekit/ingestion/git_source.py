"""Documents from a local git repository, a clone or a bare one, read at one commit."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from stagekit.errors import StageError
from stagekit.ingestion.content import ContentError, verified
from stagekit.ingestion.git_command import BlobReader, blob_sizes, git_output, git_records, is_partial
from stagekit.ingestion.git_history import file_histories, utc
from stagekit.ingestion.lfs import LARGEST_POINTER, LfsPointer, lfs_pointer
from stagekit.ingestion.remote_url import place_digests, project_of, public_url
from stagekit.ingestion.source import KIND_OF_MODE, FileHistory, FileKind, Snapshot, SourceFile, SourceTraits


def is_git_repository(folder: Path) -> bool:
    """Tell whether a folder is the top of a work tree or a bare repository (a folder inside one is not)."""
    if os.path.lexists(folder / ".git"):
        return True
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


class GitSource:
    """A local git repository as a :class:`~stagekit.ingestion.source.Source`.

    Args:
        repository: top of the work tree, or the bare repository.
        branch: branch or tag; empty means the commit that is checked out.
        folders: approved folders, which bound the walk through the history.
        project: name of the project; empty means that of the remote ``origin``, else the folder's.

    Raises:
        StageError: if git, the repository, a commit or the branch is missing.
    """

    def __init__(self, repository: Path, branch: str, folders: Sequence[str], project: str = "") -> None:
        self._places = place_digests(repository)
        self._repository = repository.resolve()
        self._folders = _spellings(folders) if all(folders) else []
        self._blobs = BlobReader(self._repository)
        self._lfs: Path | None = None
        name, commit, behind = self._resolve(branch)
        origin = self._ask("config", "--get", "remote.origin.url")
        self._address = project_of(origin) if public_url(origin) else ""
        project = project or (origin and project_of(origin)) or self._repository.name.removesuffix(".git")
        project = project or self._repository.parent.name or "repository"
        self._snapshot = Snapshot(
            source="git",
            project=project,
            repository_url=public_url(origin) or f"file:{project}",
            repository_branch=name,
            commit=commit,
            commit_timestamp=utc(
                self._ask("rev-list", "--max-count=1", "--format=%ct", commit).rpartition("\n")[2]
            ),
            warnings=(behind,) if behind else (),
        )
        if self._ask("config", "--get-regexp", r"^remote\..*\.partialclonefilter$").find(" tree:") > 0:
            self._warn(
                "The clone lacks the trees of its history (--filter=tree): files carry the date and id of "
                "the commit that is read; fetch the rest with `git fetch --refetch --filter=blob:none`."
            )
        self._shallow = self._ask("rev-parse", "--is-shallow-repository") == "true"
        if self._shallow:
            self._warn(
                "The clone is shallow: files not touched by its commits carry the date, author and id of its "
                "oldest one; fetch the whole history (`git fetch --unshallow`, in GitLab CI GIT_DEPTH: 0)."
            )

    def _warn(self, sentence: str) -> None:
        self._snapshot = replace(self._snapshot, warnings=(*self._snapshot.warnings, sentence))

    def snapshot(self) -> Snapshot:
        """Return the commit that is read."""
        return self._snapshot

    def traits(self) -> SourceTraits:
        """Return where the repository lies, its address and, unless it is shallow, its first commits."""
        roots = "" if self._shallow else self._ask("rev-list", "--max-parents=0", self._snapshot.commit)
        return SourceTraits(self._places, self._address, roots=tuple(sorted(roots.split())))

    def files(self) -> list[SourceFile]:
        """Return every entry of the commit's tree, in the order of the paths; sizes are 0 until fetched.

        A clone that was made without the trees of other folders lists these by their names.
        """
        try:
            entries = self._listed("-r")
        except StageError:
            if not (self._folders and is_partial(self._repository)):
                raise
            folders = self._listed("-r", folders=self._folders)
            entries = {entry.path: entry for entry in (*self._listed(), *folders)}.values()
        return sorted(entries, key=lambda file: file.path)

    def _listed(self, *options: str, folders: Sequence[str] = ()) -> Collection[SourceFile]:
        commit = self._snapshot.commit
        records = git_records(
            self._repository, "ls-tree", *options, "-z", "--full-tree", commit, "--", *folders
        )
        return [_entry(record) for record in records if record]

    def history(self, files: Iterable[SourceFile]) -> Mapping[str, FileHistory]:
        """Return who wrote each file, who last changed it and when; former names are followed."""
        wanted = {file.path: file.blob_id for file in files}
        head = FileHistory(self._snapshot.commit, self._snapshot.commit_timestamp, None, None)
        try:
            found = file_histories(self._repository, self._snapshot.commit, self._folders, wanted)
        except StageError:
            if not is_partial(self._repository):
                raise
            found = {}
        return {path: found.get(path, head) for path in wanted}

    def fetch(self, files: Sequence[SourceFile], largest: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the sizes, of Git LFS files those of their objects; what is missing here counts 0 bytes."""
        sizes = blob_sizes(self._repository, (file.blob_id for file in files))
        return {file.path: self._size(file, sizes.get(file.blob_id, 0)) for file in files}

    def metrics(self) -> Mapping[str, float | int]:
        """Return nothing: reading a local repository costs nothing that is worth counting."""
        return {}

    def read(self, file: SourceFile) -> bytes:
        """Return a file's bytes, verified against its blob id; of a Git LFS file those of its object.

        Raises:
            ContentError: if the repository lacks them or they are damaged.
        """
        data = verified(self._blobs.read(file.blob_id), file.blob_id, file.path)
        pointer = lfs_pointer(data) if file.kind == FileKind.FILE else None
        return self._lfs_object(pointer, file.path) if pointer else data

    def _size(self, file: SourceFile, size: int) -> int:
        if size >= LARGEST_POINTER:
            return size
        try:
            pointer = lfs_pointer(self._blobs.read(file.blob_id))
        except ContentError:  # read() says why, for this one document
            return size
        return pointer.size if pointer else size

    def _lfs_object(self, pointer: LfsPointer, path: str) -> bytes:
        if self._lfs is None:
            common = self._ask("rev-parse", "--git-common-dir")
            self._lfs = self._repository / common / "lfs" / "objects"
        try:
            data = (self._lfs / pointer.oid[:2] / pointer.oid[2:4] / pointer.oid).read_bytes()
        except OSError:
            raise ContentError(
                f"{path!r} is a Git LFS file whose content this clone lacks; fetch it: `git lfs fetch --all`."
            ) from None
        if hashlib.sha256(data).hexdigest() != pointer.oid:
            raise ContentError(f"The Git LFS object of {path!r} is damaged; fetch it again: `git lfs fetch`.")
        return data

    def close(self) -> None:
        """End the git process that reads blobs."""
        self._blobs.close()

    def _ask(self, *arguments: str) -> str:
        try:
            return git_output(self._repository, *arguments)
        except StageError:
            return ""

    def _resolve(self, branch: str) -> tuple[str, str, str]:
        """Return the name of what is read, its commit, and a warning where a branch is not up to date."""
        git_output(self._repository, "rev-parse", "--git-dir")  # first of all: may git read this place?
        if not branch:
            if commit := self._commit("HEAD"):
                return self._checked_out(commit)
        elif commit := self._commit(f"refs/heads/{branch}"):
            return (branch, *self._approved_last(branch, commit))
        else:
            for ref in (f"refs/remotes/origin/{branch}", f"refs/tags/{branch}", branch):
                if commit := self._commit(ref):
                    return branch, commit, ""
        branches = self._branches("refs/heads", "refs/remotes/origin")
        if not branches:
            raise StageError(f"The repository {self._repository} is empty: it has no commit to read yet.")
        name = branch or self._ask("symbolic-ref", "--quiet", "--short", "HEAD")
        raise StageError(
            f"The repository {self._repository} has no branch {name!r}; it has {', '.join(branches)}: "
            "set target_branch to one of them."
        )

    def _commit(self, ref: str) -> str:
        return self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")

    def _checked_out(self, commit: str) -> tuple[str, str, str]:
        """Return what is checked out: whoever chose a tag or an older commit means just that."""
        name = self._ask("symbolic-ref", "--quiet", "--short", "HEAD")
        if not name:  # a CI job checks out a commit, not a branch
            here = self._branches("--points-at=HEAD", "refs/heads", "refs/remotes/origin")
            return here[0] if len(here) == 1 else "HEAD", commit, ""
        remote, behind, _ = self._remote(name, commit)
        warning = (
            f"The branch {name} that is checked out is {behind} commits behind {remote}: bring it up to date "
            f"(`git pull`), or set target_branch to {name}, which reads what {remote} has."
        )
        return name, commit, warning if behind else ""

    def _approved_last(self, branch: str, commit: str) -> tuple[str, str]:
        """Return the commit of a branch that is named, and a warning where it is not the one found here.

        A clone that only ever fetches keeps its local branch where it was: what was approved last is what the
        remote has. Commits that only this clone has are read, and the warning tells what they lack.
        """
        remote, behind, ahead = self._remote(branch, commit)
        if not behind:
            return commit, ""
        said = f"The local branch {branch} is {behind} commits behind {remote}"
        if ahead:
            return commit, f"{said} and has {ahead} commits of its own, which were read: merge them."
        return self._commit(f"refs/remotes/{remote}"), f"{said}: what {remote} has was read."

    def _remote(self, branch: str, commit: str) -> tuple[str, int, int]:
        """Return the remote-tracking branch, and how many commits a branch is behind it and ahead of it."""
        upstream = self._ask("for-each-ref", "--format=%(upstream)", f"refs/heads/{branch}")
        for ref in (upstream, f"refs/remotes/origin/{branch}"):
            if ref.startswith("refs/remotes/") and self._commit(ref):
                counts = self._ask("rev-list", "--left-right", "--count", f"{commit}...{ref}").split()
                ahead, behind = map(int, counts) if len(counts) == 2 else (0, 0)
                return ref.removeprefix("refs/remotes/"), behind, ahead
        return "", 0, 0

    def _branches(self, *arguments: str) -> list[str]:
        refs = self._ask("for-each-ref", "--format=%(refname)", *arguments).splitlines()
        names = (ref.removeprefix("refs/heads/").removeprefix("refs/remotes/origin/") for ref in refs)
        return sorted({name for name in names if name != "HEAD"})


def _entry(record: str) -> SourceFile:
    facts, _, path = record.partition("\t")
    mode, _, identity = facts.split()
    return SourceFile(path, KIND_OF_MODE.get(mode, FileKind.OTHER), identity, 0)


def _spellings(folders: Sequence[str]) -> list[str]:
    """Return the folders as git may have them: macOS stores letters decomposed."""
    found = [(one, unicodedata.normalize("NFC", one), unicodedata.normalize("NFD", one)) for one in folders]
    return list(dict.fromkeys(chain.from_iterable(found)))
