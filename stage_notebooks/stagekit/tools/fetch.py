"""``python -m stagekit.tools.fetch``: downloads an embedding model from the hub, when asked for by name."""

from __future__ import annotations

import contextlib
import json
import sys

from stagekit.embedding.arithmetic import resolve_backend
from stagekit.embedding.hub import fetch_model
from stagekit.embedding.model import load_model
from stagekit.embedding.packaged import PACKAGED_MODELS
from stagekit.embedding.registry import resolve_model
from stagekit.errors import StageError

__all__ = ["fetch", "main", "prepare"]


def fetch(name: str, revision: str = "") -> str:
    """Bring a model onto this machine and return its directory; a packaged one is only made ready.

    Raises:
        StageError: in one sentence, if the hub does not give it.
    """
    try:
        packaged = name in PACKAGED_MODELS
        directory = resolve_model(name).directory if packaged else fetch_model(name, revision)
        prepare(name, revision)
        return str(directory)
    except StageError:
        raise
    except Exception as error:  # the hub's client raises errors of half a dozen libraries
        reason = " ".join(str(error).split())[:300]
        raise StageError(
            f"The embedding model {name} could not be fetched ({type(error).__name__}: {reason}): check the "
            "name, the network, HF_HUB_OFFLINE, and HF_TOKEN for a model that needs one."
        ) from error


def prepare(name: str, revision: str = "") -> None:
    """Make a model ready for OpenVINO, which takes torch and seconds, if it would run there here."""
    files = resolve_model(name, revision)
    if resolve_backend("auto", files, dtype="auto", device="auto") == "openvino":
        load_model(name, revision, dtype="auto", device="auto")


def main() -> int:
    """Answer the request ``{"name", "revision"}`` on standard input and return the exit code."""
    request = json.load(sys.stdin)
    answer = sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr):  # progress bars must not spoil the JSON
            directory = fetch(request["name"], request.get("revision", ""))
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump({"name": request["name"], "directory": directory}, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
