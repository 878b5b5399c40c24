"""Writes config/sample_repository from the texts of this project; running it again gives the same bytes."""

import argparse
import shutil
import sys
from pathlib import Path

CONFIG = Path(__file__).resolve().parent
sys.path.insert(0, str(CONFIG.parent))

from config.sample_builder.catalogue import SAMPLE_FILES  # noqa: E402

__all__ = ["build", "main"]


def build(folder: Path) -> int:
    """Replaces the folder by a freshly built sample repository.

    Args:
        folder: where the repository goes; what it held before is deleted.

    Returns:
        The size of all files, in bytes.

    Raises:
        FileExistsError: the folder holds something that is not a sample repository.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "30-Aprovados").is_dir():
        raise FileExistsError(f"{folder} is not a sample repository; name an empty or new folder.")
    shutil.rmtree(folder, ignore_errors=True)
    total = 0
    for path, file in SAMPLE_FILES.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        total += target.write_bytes(file.build())
    return total


def main() -> None:
    """Builds into the folder named on the command line, by default config/sample_repository."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=CONFIG / "sample_repository")
    folder = parser.parse_args().folder
    print(f"{folder}: {len(SAMPLE_FILES)} files, {build(folder):,} bytes")


if __name__ == "__main__":
    main()
