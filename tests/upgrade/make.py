"""Makes the outputs folders that the tests of upgrading begin with, by running an earlier version.

    python -m tests.upgrade.make CHECKOUT    # with a .venv of its own, as `make run` leaves it

Each kind is a folder with the sources that were read, the outputs folder, and what the server held
(``collection.json``). All go into one archive beside this file, so that what they share is stored once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.unit.encryption_keys import KEY
from tests.upgrade.folders import ARCHIVE, KINDS, SERVER_DUMP
from tests.upgrade.sources import AGREEMENTS, FEW_NORMS, NORMS, write_source

_MODIFIED = 1_717_243_200  # 2024-06-01: the day on which all documents were last changed
# Of these an upgrade reads nothing.
_LEFT_OUT = (
    "report.html",
    "report.json",
    "events.jsonl",
    "environment.json",
    "metrics.prom",
    "logs",
    "kernels",
)


def main() -> None:
    """Make all kinds with the earlier version at the path that is given."""
    checkout = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for kind in KINDS:
            _make(kind, base, checkout)
        files = sorted(path for kind in KINDS for path in (base / kind).rglob("*"))
        # Sparse files, which Qdrant's engine makes of many megabytes, stay sparse: GNU tar knows how.
        names = "\0".join(str(path.relative_to(base)) for path in files if _kept(path.relative_to(base)))
        command = ["tar", "--sparse", "--format=gnu", "--no-recursion", "--numeric-owner", "--owner=0"]
        command += ["--group=0", "--null", "-T", "-", "-cf", "all.tar"]
        subprocess.run(command, input=names.encode(), cwd=base, check=True)
        subprocess.run(["xz", "-9e", "--keep", str(base / "all.tar")], check=True)
        ARCHIVE.write_bytes((base / "all.tar.xz").read_bytes())
    with tarfile.open(ARCHIVE) as archive:
        print(f"{ARCHIVE}: {ARCHIVE.stat().st_size} bytes, {len(archive.getnames())} files")


def _make(kind: str, base: Path, checkout: Path) -> None:
    """Make one kind below a folder; one goes on from another, so that they share most files."""
    folder = base / kind
    if kind == "encrypted":
        write_source(folder / "norms", FEW_NORMS, _MODIFIED)
        _run(checkout, folder, "norms", "encrypt_outputs=true", NIC_ETL_ENCRYPTION_KEY=KEY)
        return
    if kind == "embedded":
        write_source(folder / "norms", NORMS, _MODIFIED)
        _run(checkout, folder, "norms")
        return
    shutil.copytree(base / "embedded", folder, symlinks=True)
    shutil.rmtree(folder / "outputs/qdrant")
    with _server(checkout) as url:
        _run(checkout, folder, str(base / "embedded/norms"), f"qdrant_url={url}")
        write_source(folder / "agreements", AGREEMENTS, _MODIFIED)
        _run(checkout, folder, "agreements", f"qdrant_url={url}", "project=acordos")
        (folder / SERVER_DUMP).write_text(json.dumps(_dumped(url)), encoding="utf-8")


def _run(checkout: Path, folder: Path, source: str, *settings: str, **environment: str) -> None:
    command = [str(checkout / ".venv/bin/python"), "-m", "runner", "run", "--quiet"]
    command += ["-p", f"source_path={source}"]
    command += ["-p", "outputs_dir=outputs", *(word for one in settings for word in ("-p", one))]
    (folder / "matplotlibrc").write_text("figure.dpi: 10\nsavefig.dpi: 10\n")  # small plots: a small archive
    environment |= {"MATPLOTLIBRC": str(folder / "matplotlibrc")}
    environment |= {"PYTHONPATH": f"{checkout}:{checkout / 'stage_notebooks'}"}
    subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True)
    (folder / "matplotlibrc").unlink()


def _kept(path: Path) -> bool:
    return not set(path.parts) & set(_LEFT_OUT)


@contextmanager
def _server(checkout: Path) -> Iterator[str]:
    command = [str(checkout / ".venv/bin/python"), "-m", "tests.servers.qdrant_server"]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _dumped(url: str) -> dict[str, Any]:
    """Return the collections of a server (configuration, indexes, points) and their aliases."""

    def ask(path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{url}{path}", data, {"Content-Type": "application/json"})) as answer:
            return json.load(answer)["result"]

    collections = {}
    for name in [one["name"] for one in ask("/collections")["collections"]]:
        info = ask(f"/collections/{name}")
        wanted = {"limit": 1000, "with_payload": True, "with_vector": True}
        points = ask(f"/collections/{name}/points/scroll", wanted)["points"]
        collections[name] = {"config": info["config"], "indexes": info["payload_schema"], "points": points}
    return {"collections": collections, "aliases": ask("/aliases")["aliases"]}


if __name__ == "__main__":
    main()
