"""``python -m tests.bench``: the chain beside a plain script, or beside its peers, in the same minutes.

Each round runs every contestant once on its own copy of the documents, in an order that turns from round to
round; figures are medians over the rounds, ratios are taken within a round. What is printed is also written
as JSON. No figure makes the command fail.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from stagekit.base.machine import cores
from tests.bench.contestants import Result, Workplace, run_bare, run_chain
from tests.bench.corpus import change_one, rename_one, write_corpus
from tests.bench.peer_runs import MODEL, PEERS, Peer, install_peers, run_peer
from tests.bench.report import (
    BARE,
    CHAIN,
    NOTHING,
    ON_DEMAND,
    ONE,
    TWO,
    checkpointing_shares,
    peer_targets,
    phase_ratios,
    render,
    targets,
)

Runs = list[dict[str, Any]]
Contestant = Callable[[Workplace], Iterator[tuple[str, Result]]]
RECORD = Path(".bench") / "bench.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return 0."""
    given = _parser().parse_args(arguments)
    base = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        documents, settings = _documents(given, base)
        contestants, first = _peers(given) if given.peers else _plain(given)
        scans = not given.peers or given.converter == "packaged"
        if not scans:
            print("Images and scanned PDFs are left out for all: the converter `native` has no OCR.")
        runs = list(_rounds(given.rounds, contestants, base, documents, settings, scans=scans))
    finally:
        shutil.rmtree(base)
    wanted = peer_targets(runs) if given.peers else targets(runs, cores())
    print(render(runs, first, wanted))
    found = {
        "documents": runs[0]["counts"]["documents"],
        "rounds": given.rounds,
        "settings": settings,
        "machine": {"cores": cores(), "memory_mb": psutil.virtual_memory().total // 2**20},
        "runs": runs,
        "phase_ratios": phase_ratios(runs),
        "checkpointing_shares": {" | ".join(key): share for key, share in checkpointing_shares(runs).items()},
        "targets": [target.record() for target in wanted],
    }
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"\nAll figures: {given.json}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--documents", type=int, default=200, help="how many are generated (200)")
    parser.add_argument("--folder", type=Path, help="a folder of documents in place of generated ones")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="of the chain (1 2)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant runs (3)")
    parser.add_argument("--peers", action="store_true", help="beside CocoIndex, LangChain, LlamaIndex")
    parser.add_argument("--only", nargs="+", choices=list(PEERS), default=list(PEERS), help="of the peers")
    parser.add_argument(
        "--converter",
        choices=["packaged", "native"],
        default="packaged",
        help="what the peers read PDFs with: the chain's layout model and OCR, or Docling without a model; "
        "then images and scanned PDFs are left out for all",
    )
    parser.add_argument(
        "-p", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="a setting of nic-etl"
    )
    parser.add_argument("--json", type=Path, default=RECORD, help=f"file for all figures ({RECORD})")
    return parser


def _documents(given: argparse.Namespace, base: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the documents, and the settings that all contestants share."""
    settings: dict[str, Any] = dict(word.split("=", 1) for word in given.settings)
    if given.folder:
        return given.folder.resolve(), {"target_folder": [""]} | settings
    write_corpus(base / "corpus", given.documents)
    return base / "corpus", settings


def _plain(given: argparse.Namespace) -> tuple[dict[str, Contestant], tuple[str, str]]:
    names = {1: ONE, 2: TWO}
    chains = {names.get(n, f"chain, {n} workers"): partial(_chain, workers=n) for n in given.workers}
    return {BARE: _bare, **chains}, (BARE, "full")


def _peers(given: argparse.Namespace) -> tuple[dict[str, Contestant], tuple[str, str]]:
    python, missing = install_peers(given.only)
    for name, reason in missing.items():
        print(f"{name} is left out: {reason}", flush=True)
    found: dict[str, Contestant] = {CHAIN: partial(_chain, workers=0, rename=True, model=MODEL)}
    for name in given.only:
        if name not in missing:
            found[name] = partial(beside_peer, peer=Peer(name, python, given.converter))
    return found, (CHAIN, "full")


def _rounds(
    count: int,
    contestants: Mapping[str, Contestant],
    base: Path,
    documents: Path,
    settings: Mapping[str, Any],
    *,
    scans: bool,
) -> Iterator[dict[str, Any]]:
    for number in range(count):
        names = list(contestants)
        turned = names[number % len(names) :] + names[: number % len(names)]
        for name in turned:
            folder = base / f"round-{number}-{names.index(name)}"
            place = Workplace.make(folder, documents, settings, scans=scans)
            for run, result in contestants[name](place):
                print(f"round {number + 1}: {name}, {run}: {result.wall_s:.1f} s", flush=True)
                yield {"round": number, "contestant": name, "run": run, **result.record()}
            shutil.rmtree(folder)


def _bare(place: Workplace) -> Iterator[tuple[str, Result]]:
    # Nothing is kept from one run to the next: whatever changed, it takes as long as this.
    yield "full", run_bare(place)


def _chain(
    place: Workplace, workers: int, *, rename: bool = False, model: str = ""
) -> Iterator[tuple[str, Result]]:
    settings = {**place.settings, "workers": workers} | ({"embedding_model": model} if model else {})
    place = Workplace(place.folder, settings)
    yield from _incremental(place, lambda run: run_chain(place, run), rename=rename)


def beside_peer(place: Workplace, peer: Peer) -> Iterator[tuple[str, Result]]:
    """Yield a peer's runs; one that fails is told, and ends them."""
    try:
        for kind, result in _incremental(place, lambda _: run_peer(place, peer), rename=True):
            yield kind, result
            if (peer.name, kind) == ("CocoIndex", NOTHING):
                # The others convert every file in every run, and need Docling for it.
                yield ON_DEMAND, run_peer(place, peer, "on-demand")
    except RuntimeError as error:
        print(f"{error}\nThe rest of this round goes on without it.", flush=True)


def _incremental(
    place: Workplace, run: Callable[[str], Result], *, rename: bool
) -> Iterator[tuple[str, Result]]:
    yield "full", run("full")
    yield NOTHING, run(NOTHING)
    change_one(place.documents)
    yield "one changed", run("one changed")
    if rename:
        rename_one(place.documents)
        yield "rename", run("rename")


if __name__ == "__main__":
    sys.exit(main())
