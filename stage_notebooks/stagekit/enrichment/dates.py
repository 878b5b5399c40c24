"""The former place of :mod:`stagekit.declared.dates`, for programs that import it from here."""

from stagekit.declared.dates import parse_day

__all__ = ["parse_day"]
