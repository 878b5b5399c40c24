"""A directory of models whose files are hashed when they are written and verified when they are read."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from stagekit.base.file_hashes import known_sha256, models_dir
from stagekit.base.files import sha256_file
from stagekit.errors import ModelUnavailableError

__all__ = [
    "HASHES_FILE",
    "build_once",
    "known_sha256",
    "models_dir",
    "replace_directory",
    "verify_files",
]

_SWAPS = 5  # tries; each one is lost only to another process that swaps at the same moment
HASHES_FILE = "nic_etl_hashes.json"  # written last: a directory without it was never finished


def build_once(name: str, build: Callable[[Path], None]) -> Path:
    """Return the cached directory `name`, filling it with `build` where it is not there yet.

    The directory appears whole or not at all. Of two processes that build at once, one wins and both
    get its result.

    Args:
        name: Directory name below `models_dir()`; it should contain a hash of what it is built from.
        build: Called with an empty directory to fill.
    """
    target = models_dir() / name
    if not (target / HASHES_FILE).is_file():
        filled = _fill(target, build)
        try:
            filled.rename(target)
        except OSError:
            # Another process was first, or a crash left an unfinished directory under the final name.
            if (target / HASHES_FILE).is_file():
                shutil.rmtree(filled)
            else:
                _swap(filled, target)
    return target


def replace_directory(name: str, build: Callable[[Path], None]) -> Path:
    """Build the cached directory `name` anew and put it in the place of the present one, if any."""
    target = models_dir() / name
    _swap(_fill(target, build), target)
    return target


def verify_files(directory: Path, names: Iterable[str] | None = None) -> None:
    """Compare files (by default all) of a cached directory with the hashes recorded when they were written.

    Raises:
        ModelUnavailableError: A file is missing or its bytes have changed, or the record of hashes has.
    """
    recorded = _recorded(directory / HASHES_FILE)
    if not recorded:
        raise _damaged(directory, HASHES_FILE)
    for name in recorded if names is None else names:
        path = directory / name
        if not path.is_file() or known_sha256(path) != recorded.get(name):
            raise _damaged(directory, name)


def _recorded(record: Path) -> dict[str, str]:
    """Return the hashes by name; none where the record is gone or says nothing."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _damaged(directory: Path, name: str) -> ModelUnavailableError:
    path = directory / name
    return ModelUnavailableError(
        f"The model file {path} is missing or damaged: delete {directory} and run again."
    )


def _fill(target: Path, build: Callable[[Path], None]) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise ModelUnavailableError(
            f"Models are kept in {target.parent}, where nothing can be written ({error.strerror}): set "
            "NIC_ETL_MODELS_DIR to a folder of the user who runs nic-etl."
        ) from None
    try:
        build(directory)
        files = sorted(path for path in directory.rglob("*") if path.is_file())
        hashes = {path.relative_to(directory).as_posix(): sha256_file(path) for path in files}
        (directory / HASHES_FILE).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
        directory.chmod(0o755)  # mkdtemp and safetensors make private files; other users may share the cache
        for path in files:
            path.chmod(0o644)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return directory


def _swap(filled: Path, target: Path) -> None:
    """Put a directory in the place of another, which other processes may do at the same time."""
    discarded = filled.with_name(f"{filled.name}-old")
    try:
        discarded.mkdir()
        for attempt in range(1, _SWAPS + 1):
            with contextlib.suppress(FileNotFoundError):  # none was there, or another process took it away
                target.rename(discarded / str(attempt))
            try:
                filled.rename(target)
                break
            except OSError:  # another process has put its own there
                if attempt == _SWAPS:
                    raise
    finally:
        shutil.rmtree(discarded, ignore_errors=True)
        shutil.rmtree(filled, ignore_errors=True)
