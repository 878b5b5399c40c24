"""Reads the passwords of protected PDFs from the environment: they are secrets, and no settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from stagekit.errors import StageError

PASSWORDS_VARIABLE = "NIC_ETL_PDF_PASSWORDS"


def pdf_passwords(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the passwords of ``NIC_ETL_PDF_PASSWORDS`` and of the file ``NIC_ETL_PDF_PASSWORDS_FILE`` names.

    Each has a line of its own; spaces belong to a password.

    Raises:
        StageError: the file cannot be read.
    """
    env = os.environ if environment is None else environment
    text = env.get(PASSWORDS_VARIABLE, "")
    path = env.get(f"{PASSWORDS_VARIABLE}_FILE")
    if path:
        try:
            text += "\n" + Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise StageError(
                f"{PASSWORDS_VARIABLE}_FILE names {path}, which cannot be read ({reason}): correct the path, "
                "or unset the variable."
            ) from None
    return tuple(dict.fromkeys(line for line in text.splitlines() if line))
