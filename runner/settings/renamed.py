"""Names that settings had before: each is still understood, and answered with the name that holds now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from runner.errors import ConfigurationError

RENAMED: Final[dict[str, tuple[str, Any]]] = {
    "gitlab_ca_file": ("ca_file", ""),
    "qdrant_ca_file": ("ca_file", ""),
    "gitlab_timeout_s": ("request_timeout_s", 60),
    "qdrant_timeout_s": ("request_timeout_s", 60),
    "gitlab_retry_budget_s": ("retry_budget_s", 300),
    "qdrant_retry_budget_s": ("retry_budget_s", 300),
    "hnsw_m": ("qdrant_collection.hnsw_m", 16),
    "hnsw_ef_construct": ("qdrant_collection.hnsw_ef_construct", 200),
    "full_scan_threshold": ("qdrant_collection.full_scan_threshold", 10_000),
    "indexing_threshold": ("qdrant_collection.indexing_threshold", 20_000),
    "quantization": ("qdrant_collection.quantization", "none"),
    "on_disk_payload": ("qdrant_collection.on_disk_payload", True),
    "on_disk_vectors": ("qdrant_collection.on_disk_vectors", False),
    "shard_number": ("qdrant_collection.shard_number", 1),
    "replication_factor": ("qdrant_collection.replication_factor", 1),
    "write_consistency_factor": ("qdrant_collection.write_consistency_factor", 1),
}
"""By former name: the name of today (``setting.key`` for a key of a mapping), and the default of then."""

CONSTANT: Final[dict[str, Any]] = {
    "download_workers": 5,
    "qdrant_parallel_requests": 4,
    "qdrant_write_ordering": "weak",
}
"""Former settings that nobody tuned, and the value that each has for good."""


class RenamedSettingWarning(FutureWarning):
    """A setting was given under a former name."""


def renamed(
    layer: Mapping[str, Any], origin: str, *, recorded: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Return a layer of the configuration under the names of today, and a warning for each former name.

    A name of today that stands in the same layer holds. Where two former names became one, the larger number
    holds.

    Args:
        layer: values by name; a key of a mapping is named ``setting.key``.
        origin: the layer in words.
        recorded: the layer is a run's record, in which every setting stands: one that has its default of then
            was given by nobody, so that it asks for no warning and yields to one that was given.

    Raises:
        ConfigurationError: two former names that became one name two files.
    """
    today = {name: value for name, value in layer.items() if name not in RENAMED | CONSTANT}
    rename, remove = ("", "") if recorded else (": rename it", ": remove it")  # a record is what it is
    warnings = []
    targets = dict.fromkeys(RENAMED[name][0] for name in layer if name in RENAMED)
    for target in targets:
        former = {name: value for name, value in layer.items() if RENAMED.get(name, ("",))[0] == target}
        changed = former
        if recorded:
            changed = {name: value for name, value in former.items() if value != RENAMED[name][1]}
        taken = f", which is given as well and holds{remove}"
        if target not in today:
            today[target], choice = _united(target, changed or former, origin)
            taken = f"{choice}{rename}"
        warnings += [f"{name} ({origin}) is called {target} now{taken}." for name in changed]
    for name, value in CONSTANT.items():
        if name in layer and not (recorded and layer[name] == value):
            warnings.append(f"{name} ({origin}) has no effect any more, it is {value} for good{remove}.")
    return today, warnings


def _united(target: str, former: Mapping[str, Any], origin: str) -> tuple[Any, str]:
    """Return the one value of settings that became one, and how it was chosen, if there was a choice."""
    values = [value for value in former.values() if value not in ("", None)] or list(former.values())
    if len({str(value) for value in values}) == 1:
        return values[0], ""
    if target == "ca_file":
        raise ConfigurationError(
            f"{' and '.join(former)} ({origin}) name two files, and are one setting now: put the "
            "certificates of both into one PEM file, and name it as ca_file."
        )
    value = max(values, key=_number)
    return value, f", one for GitLab and Qdrant; the larger value, {value}, holds"


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.inf  # it is taken, and refused with a sentence of its own
