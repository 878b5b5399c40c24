"""Asks the collection: what ``nic-etl search``, ``serve`` and the dashboard have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from runner.settings.pipeline_config import PipelineConfig
from runner.tools import print_warning, run_tool

_OF_MODEL: Final = (
    "embedding_model", "model_revision", "embedding_dtype", "embedding_backend", "device",
)  # fmt: skip


def search_request(config: PipelineConfig, mode: str = "", collection: str = "") -> dict[str, Any]:
    """Return what of a request the configuration knows: connection, collection, model.

    Args:
        config: the settings.
        mode: "hybrid", "dense" or "sparse"; "": as the settings say.
        collection: another one than the configured; "": that.
    """
    settings = config.model_dump(mode="json")
    return {name: settings[name] for name in ("qdrant_url", *_OF_MODEL)} | {
        "settings": settings,
        "outputs_dir": str(config.outputs),
        "collection_name": collection or config.collection_name,
        "mode": mode or ("" if config.hybrid_search else "dense"),
    }


def ask_collection(
    config: PipelineConfig,
    question: str,
    *,
    top: int,
    passages_per_document: int | None = None,
    filters: Mapping[str, Any] | None = None,
    mode: str = "",
    collection: str = "",
    warn: Callable[[str], None] = print_warning,
) -> list[dict[str, Any]]:
    """Return the passages that answer a question, the fields of each as ``stagekit.search.Hit`` has them.

    The process that keeps the model loaded answers, if one serves the outputs folder; else one is started.

    Args:
        config: the settings.
        question: in the user's own words.
        top: most passages.
        passages_per_document: most of one document, 0 for all; None: two, or all of a filtered file.
        filters: as ``stagekit.search.search`` takes them.
        mode: see :func:`search_request`.
        collection: see :func:`search_request`.
        warn: is given each warning.

    Raises:
        StateManagementError: one sentence, if the request is wrong or the collection cannot answer.
    """
    request = search_request(config, mode, collection) | {
        "question": question,
        "top": top,
        "passages_per_document": passages_per_document,
        "filters": filters or {},
        "today": config.today,
    }
    hits: list[dict[str, Any]] = run_tool("stagekit.search.query", request, warm=True, warn=warn)
    return hits
