"""The former place of :mod:`stagekit.ingestion.gitlab.retry`, for programs that import it from here."""

from stagekit.ingestion.gitlab.retry import Patience

__all__ = ["Patience"]
