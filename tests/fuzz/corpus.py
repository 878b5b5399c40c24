"""A finished run as the material of fuzzing: its files in memory, and folders laid out from them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

__all__ = ["Changes", "Corpus", "run_sample"]

Changes = dict[str, bytes]
_LARGEST = 400_000  # bytes of an artifact: sources and long documents are not read by anybody here


@dataclass(frozen=True)
class Corpus:
    """The files of an outputs folder by their path, and where its links lead.

    Attributes:
        files: content by path below the folder; SQLite files as one file each.
        links: targets by path.
        run: id of the run that is mutated, the newest one.
    """

    files: Mapping[str, bytes]
    links: Mapping[str, str]
    run: str
    record: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, outputs: Path) -> Corpus:
        """Read the outputs folder of a finished run."""
        files: dict[str, bytes] = {}
        run = max(outputs.glob("runs/*/run.json")).parent.name
        for pattern in (f"runs/{run}/*", "audit*", "artifacts/sha256/*/*"):
            for path in sorted(outputs.glob(pattern)):
                if path.stat().st_size <= _LARGEST or path.suffix == ".ipynb":
                    files[path.relative_to(outputs).as_posix()] = path.read_bytes()
        for path in sorted(outputs.glob("*.sqlite")):
            files[path.name] = _database(path)
        files["run.lock"] = b""
        links = {
            f"latest/{path.name}": str(path.readlink()) for path in sorted(outputs.glob("latest/*.ipynb"))
        }
        return cls(files, links, run, json.loads(files[f"runs/{run}/run.json"]))

    @property
    def notebooks(self) -> list[str]:
        """The executed notebooks, in the order of the chain."""
        return [name for name in self.files if name.endswith(".ipynb")]

    def lay_out(self, folder: Path, changes: Changes) -> Path:
        """Write an outputs folder with some of its files changed or added, and return it."""
        outputs = folder / "outputs"
        for name, data in {**self.files, **changes}.items():
            path = outputs / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(data)
        for name, target in self.links.items():
            (outputs / name).parent.mkdir(mode=0o700, exist_ok=True)
            (outputs / name).symlink_to(target)
        return outputs

    def sealed(self, notebook: str, data: bytes) -> Changes:
        """Return a changed notebook, and the run's record with its sha256: nobody can see the change."""
        record = json.loads(json.dumps(self.record))
        for stage in record["stages"].values():
            if stage["notebook"] == notebook:
                stage["notebook_sha256"] = hashlib.sha256(data).hexdigest()
        return {notebook: data, f"runs/{self.run}/run.json": json.dumps(record).encode()}

    def with_product(self, notebook: str, name: str, data: bytes) -> Changes:
        """Return a changed product under its own address, with notebook and record that refer to it."""
        digest = hashlib.sha256(data).hexdigest()
        uri = f"sha256/{digest[:2]}/{digest}.parquet"
        content = json.loads(self.files[notebook])
        _refer(content, name, {"uri": uri, "sha256": digest, "bytes": len(data)})
        return {f"artifacts/{uri}": data, **self.sealed(notebook, json.dumps(content).encode())}


def run_sample(folder: Path) -> Path:
    """Execute the chain on the bundled sample and return its outputs folder (half a minute)."""
    import subprocess
    import sys

    outputs = folder / "outputs"
    environment = {**os.environ, "NIC_ETL_OUTPUTS_DIR": str(outputs)}
    subprocess.run(
        [sys.executable, "-m", "runner", "run", "--quiet"], env=environment, cwd=folder, check=True
    )
    return outputs


def _refer(value: Any, name: str, address: dict[str, Any]) -> None:
    """Let every reference to a product name another address."""
    if isinstance(value, dict):
        if value.get("name") == name and "sha256" in value:
            value.update(address)
        for inner in value.values():
            _refer(inner, name, address)
    elif isinstance(value, list):
        for inner in value:
            _refer(inner, name, address)


def _database(path: Path) -> bytes:
    # A copy of its own: what stands in the write-ahead log is in it, and it has none itself.
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite"
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        return copy.read_bytes()
