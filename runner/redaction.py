"""The runner's name for :mod:`stagekit.redaction`: stages and runner hide the same secrets alike."""

from __future__ import annotations

from stagekit.redaction import (
    SECRET_VARIABLES,
    Redactor,
    exposed_secret_files,
    looks_like_token,
    secret_values,
)

__all__ = ["SECRET_VARIABLES", "Redactor", "exposed_secret_files", "looks_like_token", "secret_values"]
