"""What the fork server loads for a kernel; without Jupyter's client, unlike what forks one.

Whoever starts a kernel imports :mod:`runner.kernels.kernel` before that one: papermill is imported in a
thread meanwhile, and the other way round it may find half of ``jupyter_client.manager``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ForkPreparation:
    """What the fork server loads for a kernel.

    Attributes:
        worker_imports: what its document workers import, see :func:`stagekit.workers.forks.prepare`.
        common: ``module:function`` that the server itself calls before the fork, so that this kernel and all
            later ones have what it has loaded, in the same memory; it must start no thread.
        settings: those of the function's arguments are given to it.
    """

    worker_imports: tuple[str, ...] = ()
    common: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


NOTHING = ForkPreparation()
