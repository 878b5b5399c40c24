"""Runs the ``git`` executable so that no environment and no repository's settings change its answers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from stagekit.errors import StageError
from stagekit.ingestion.content import ContentError

# git-rev-parse(1), --local-env-vars: what a hook or an outer git command sets to mean *its* repository; and
# GLOB and ICASE, which do not go with GIT_LITERAL_PATHSPECS.
_FOREIGN = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
}  # fmt: skip
# A bare repository that source_path names is named explicitly, which is what safe.bareRepository asks for; it
# can only be set by the user or on the command line.
_SETTINGS = ("core.quotePath=false", "log.showSignature=false", "safe.bareRepository=all")
_CHUNK = 1 << 16
# What git says of objects that are damaged or lost.
_DAMAGED = (
    "bad object", "bad tree", "corrupt", "missing blob", "missing tree", "not a tree", "unable to read",
)  # fmt: skip
_PARTIAL = (
    "fetch what it lacks (`git fetch --refetch`, with the remote within reach), or clone it without --filter"
)


def git_output(repository: Path, *arguments: str) -> str:
    """Return what a git command prints, without the last line end.

    Raises:
        StageError: if git is not installed or the command fails.
    """
    with _start(repository, arguments, subprocess.PIPE) as process:
        output, complaint = process.communicate()
    _check(repository, process.returncode, complaint)
    return output.decode("utf-8", "surrogateescape").removesuffix("\n")


def git_records(repository: Path, *arguments: str, given: bytes = b"") -> Iterator[str]:
    """Yield the NUL-separated records that a git command prints about a repository, as they come.

    Raises:
        StageError: as :func:`git_output`, after the records that came.
    """
    # Files, not pipes: neither side waits for the other, however much there is to read and to say.
    with tempfile.TemporaryFile() as complaint, tempfile.TemporaryFile() as asked:
        asked.write(given)
        asked.seek(0)
        with _start(repository, arguments, complaint, asked) as process:
            assert process.stdout is not None
            rest = b""
            while block := process.stdout.read(_CHUNK):
                *records, rest = (rest + block).split(b"\0")
                for record in records:
                    yield record.decode("utf-8", "surrogateescape")
            yield rest.decode("utf-8", "surrogateescape")
        complaint.seek(0)
        _check(repository, process.returncode, complaint.read())


def blob_sizes(repository: Path, blobs: Iterable[str]) -> dict[str, int]:
    """Return the sizes in bytes of those blobs that the repository has."""
    asked = "\n".join(dict.fromkeys(blobs))
    form = "--batch-check=%(objectname) %(objectsize)"
    lines = "".join(git_records(repository, "cat-file", form, "--buffer", given=asked.encode())).splitlines()
    facts = (line.split() for line in lines)  # of one that is not here: its id and "missing"
    return {name: int(size) for name, size in facts if size.isdigit()}


def is_partial(repository: Path) -> bool:
    """Tell whether a repository was cloned with a filter, and may lack objects that its remote has."""
    with contextlib.suppress(StageError):
        return bool(git_output(repository, "config", "--get-regexp", r"^remote\..*\.promisor$"))
    return False


class BlobReader:
    """Reads blobs by id through one ``git cat-file --batch`` process, started when first needed."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, blob: str) -> bytes:
        """Return a blob's bytes.

        Raises:
            ContentError: if the repository lacks it or has something else under that id.
        """
        if self._process is None:
            self._process = _start(self._repository, ("cat-file", "--batch"), subprocess.DEVNULL)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(blob.encode() + b"\n")
            process.stdin.flush()
            header = process.stdout.readline().split()
            if len(header) != 3 or header[1] != b"blob":
                raise ContentError(self._lacking(blob))
            size = int(header[2])
            data = process.stdout.read(size)
            process.stdout.read(1)
        except OSError as error:
            self.close()
            raise ContentError(f"git stopped while it read {blob[:12]} ({error}).") from error
        return data

    def _lacking(self, blob: str) -> str:
        said = f"The repository {self._repository} lacks the content {blob[:12]}"
        if is_partial(self._repository):
            return f"{said}: it is a partial clone; {_PARTIAL}."
        return f"{said}: it is damaged or incomplete; run `git fsck` there, or clone it again."

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _start(
    repository: Path,
    arguments: tuple[str, ...],
    complaints: int | IO[bytes],
    asked: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    try:
        return subprocess.Popen(
            ["git", "--no-pager", *settings, "-C", str(repository), *arguments],
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_environment(repository),
        )
    except FileNotFoundError:
        raise StageError(
            "The program git is not installed or not on the PATH; install it, "
            "or set source_path to a plain folder."
        ) from None


def _environment(repository: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return kept | {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,  # the older form of replaced histories
        "GIT_LITERAL_PATHSPECS": "1",
        # A damaged repository must not be mistaken for the one that happens to lie around it.
        "GIT_CEILING_DIRECTORIES": str(repository.parent),
    }


def _check(repository: Path, returncode: int, complaint: bytes) -> None:
    if not returncode:
        return
    said = complaint.decode("utf-8", "replace").strip()
    if "dubious ownership" in said:
        raise StageError(
            f"git refuses to read {repository} because it belongs to another user; if you trust it, "
            f"allow it with `git config --global --add safe.directory {repository}`."
        )
    if "not a git repository" in said:
        raise StageError(_not_a_repository(repository))
    lines = said.splitlines()
    # Warnings come first and are not why it failed.
    fatal = next((line for mark in ("fatal:", "error:") for line in lines if line.startswith(mark)), "")
    why = fatal or (lines[0] if lines else f"exit status {returncode}")
    if not any(mark in said for mark in _DAMAGED):
        raise StageError(f"git failed in {repository} ({why}).")
    remedy = f"it is a partial clone: {_PARTIAL}" if is_partial(repository) else "run `git fsck` there"
    raise StageError(f"git failed in {repository} ({why}); {remedy}.")


def _not_a_repository(repository: Path) -> str:
    """Say why git does not take a folder for a repository, though it looks like one."""
    pointer = repository / ".git"
    if pointer.is_file():  # a linked worktree or a submodule: the repository itself lies elsewhere
        text = pointer.read_text(encoding="utf-8", errors="replace").strip()
        place = (repository / text.removeprefix("gitdir:").strip()).resolve()
        if text.startswith("gitdir:") and not place.exists():
            return (
                f"{repository} is a linked worktree or a submodule: its .git file names the repository "
                f"{place}, which is missing here; make that folder available too (mount it at that path), or "
                "set source_path to the repository itself."
            )
    return (
        f"{repository} looks like a git repository but git cannot read it as one; "
        "repair or clone it again, or remove its .git to use it as a plain folder."
    )
