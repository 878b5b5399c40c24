"""Downloads an embedding model from the hub, by name, for ``nic-etl models fetch``."""

from __future__ import annotations

from stagekit.embedding.arithmetic import resolve_backend
from stagekit.embedding.hub import fetch_model
from stagekit.embedding.model import load_model
from stagekit.embedding.packaged import PACKAGED_MODELS
from stagekit.embedding.registry import resolve_model
from stagekit.errors import StageError


def fetch(name: str, revision: str = "") -> dict[str, str]:
    """Bring a model onto this machine, a packaged one only made ready; return its ``name`` and ``directory``.

    Raises:
        StageError: in one sentence, if the hub does not give it.
    """
    try:
        packaged = name in PACKAGED_MODELS
        directory = resolve_model(name).directory if packaged else fetch_model(name, revision)
        prepare(name, revision)
        return {"name": name, "directory": str(directory)}
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


tool = fetch
