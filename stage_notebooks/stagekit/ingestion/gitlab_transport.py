"""The former place of :mod:`stagekit.ingestion.gitlab.transport`, for programs that import it from here."""

from stagekit.ingestion.gitlab.transport import Traffic

__all__ = ["Traffic"]
