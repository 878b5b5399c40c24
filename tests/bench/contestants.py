"""What the benchmark compares: the chain and the bare script, each started as a user would start it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]

from runner.config_manager import load_config
from tests.bench.chain_phases import chain_phases, noted_seconds, read_notes
from tests.bench.processes import Measured, measure

ROOT = Path(__file__).resolve().parents[2]
HOOKS = Path(__file__).parent / "hooks"


@dataclass(frozen=True)
class Result:
    """One run of one contestant, for the table and the JSON file.

    Attributes:
        roles: highest resident memory by role, MB.
        cpu_roles: seconds of processor time by role, as sampled.
        phases: seconds by phase.
        counts: documents, texts through the model, points.
        noted: (seconds, processor seconds) by group and function, see ``hooks/sitecustomize.py``.
    """

    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    peak_pss_mb: float
    roles: dict[str, float]
    cpu_roles: dict[str, float]
    phases: dict[str, float]
    counts: dict[str, int]
    noted: dict[str, dict[str, tuple[float, float]]]

    def record(self) -> dict[str, Any]:
        """Return the fields as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Workplace:
    """A folder of one contestant in one round, with its own copy of the documents.

    Attributes:
        folder: of the contestant.
        settings: of nic-etl, beside ``source_path`` and ``outputs_dir``.
    """

    folder: Path
    settings: Mapping[str, Any]

    @classmethod
    def make(
        cls, folder: Path, documents: Path, settings: Mapping[str, Any], *, scans: bool = True
    ) -> Workplace:
        """Make the folder and copy the documents into it, images and scanned PDFs with them if wanted."""
        folder.mkdir(parents=True)
        shutil.copytree(documents, folder / "documents", ignore=None if scans else _scans_among)
        return cls(folder, settings)

    @property
    def documents(self) -> Path:
        """The copy of the documents."""
        return self.folder / "documents"

    @property
    def outputs(self) -> Path:
        """Where the contestant keeps what it makes."""
        return self.folder / "outputs"


def is_scan(path: Path) -> bool:
    """Tell whether a document has no text but what OCR finds: an image, or a PDF without a text layer."""
    if path.suffix.lower() != ".pdf":
        return path.suffix.lower() in {".png", ".jpg", ".jpeg"}
    try:
        with closing(pypdfium2.PdfDocument(path)) as pdf:
            return not any(page.get_textpage().get_text_bounded().strip() for page in pdf)
    except pypdfium2.PdfiumError:
        return False  # locked or damaged: the contestants tell


def settings_for(assignments: Mapping[str, Any]) -> dict[str, Any]:
    """Return every setting of nic-etl by name, those given checked like those of a run."""
    return load_config(None, dict(assignments)).config.model_dump(mode="json")


def run_chain(place: Workplace, name: str = "full") -> Result:
    """Run ``nic-etl run`` on the documents as they are now.

    Raises:
        RuntimeError: if it fails; what it said is in the message.
    """
    times = place.folder / f"times-{name}"
    times.mkdir()
    given = {**place.settings, "source_path": place.documents, "outputs_dir": place.outputs}
    words = [part for key, value in given.items() for part in ("-p", f"{key}={_text(value)}")]
    command = [sys.executable, "-m", "runner", "run", "--json", *words]
    done = measure(command, env=_environment(times), cwd=place.folder)
    if done.code not in {0, 3}:  # 3: something could not be read, the rest is done
        raise RuntimeError(f"The chain ended with exit code {done.code}: {done.output[-1500:]}{done.errors}")
    run_dir = max(place.outputs.glob("runs/*/run.json")).parent
    notes = read_notes(times)
    phases = chain_phases(run_dir, done.begin, done.begin + done.wall_s, notes)
    return make_result(done, phases, _chain_counts(run_dir), noted_seconds(notes))


def run_bare(place: Workplace) -> Result:
    """Run the bare script on the documents as they are now, into a store of its own.

    Raises:
        RuntimeError: if it fails; what it said is in the message.
    """
    shutil.rmtree(place.outputs, ignore_errors=True)
    place.outputs.mkdir()
    full = settings_for({**place.settings, "source_path": str(place.documents)})
    settings = place.folder / "settings.json"
    settings.write_text(json.dumps(full), encoding="utf-8")
    script = Path(__file__).with_name("bare_script.py")
    command = [sys.executable, str(script), str(settings), str(place.outputs)]
    done = measure(command, env=_environment(), cwd=place.folder)
    if done.code != 0:
        raise RuntimeError(f"The bare script ended with exit code {done.code}: {done.errors}")
    told = json.loads(done.output.splitlines()[-1])
    phases = {name: round(seconds, 3) for name, seconds in told["phases"].items()}
    phases["start-up"] += round(max(0.0, done.wall_s - sum(phases.values())), 3)  # the interpreter's end
    return make_result(done, phases, told["counts"], {})


def make_result(
    done: Measured,
    phases: dict[str, float],
    counts: dict[str, int],
    noted: dict[str, dict[str, tuple[float, float]]],
) -> Result:
    return Result(
        wall_s=round(done.wall_s, 3),
        cpu_s=round(done.cpu_s, 3),
        peak_rss_mb=round(done.peak_rss_mb, 1),
        peak_pss_mb=round(done.peak_pss_mb, 1),
        roles=done.roles,
        cpu_roles=done.cpu_roles,
        phases=phases,
        counts=counts,
        noted=noted,
    )


def _chain_counts(run_dir: Path) -> dict[str, int]:
    record = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    results = {
        name: (stage["result"] or {}) | {"executed": stage["status"] != "skipped"}
        for name, stage in record["stages"].items()
    }
    embedded = results["embedding_generation"]
    return {
        "documents": int(results["gitlab_ingestion"]["output_count"]),
        "texts": int(embedded["metrics"]["vectors_made"]) if embedded["executed"] else 0,
        "points": int(results["qdrant_storage"]["metrics"]["points"]["total"]),
        "stages": sum(bool(result["executed"]) for result in results.values()),
    }


def _scans_among(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if is_scan(Path(folder) / name)]


def _environment(times: Path | None = None) -> dict[str, str]:
    # Whoever measures may have settings of their own; the models may lie where they say.
    of_machine = {"NIC_ETL_MODELS_DIR", "NIC_ETL_BFLOAT16"}
    kept = {n: v for n, v in os.environ.items() if not n.startswith("NIC_ETL_") or n in of_machine}
    path = [str(HOOKS)] if times else []
    path += [str(ROOT), str(ROOT / "stage_notebooks"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return (
        kept
        | {"PYTHONPATH": os.pathsep.join(path), "NO_COLOR": "1"}
        | ({"BENCH_TIMES": str(times)} if times else {})
    )


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | bool) else str(value)
