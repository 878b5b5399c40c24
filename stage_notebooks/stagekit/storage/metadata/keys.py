"""Keys of a collection's metadata that readers look for, too."""

from __future__ import annotations

from typing import Final

LANGUAGE_CENTROIDS: Final = "language_centroids"
"""By primary subtag, the ``values`` of the payload field ``language`` that have it, and the ``vector``, the
mean of its points' unit vectors."""
