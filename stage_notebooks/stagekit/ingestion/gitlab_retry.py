"""The former place of :mod:`stagekit.ingestion.gitlab.patience`, for programs that import it from here."""

from stagekit.ingestion.gitlab.patience import GitLabPatience as Patience

__all__ = ["Patience"]
