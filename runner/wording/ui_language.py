"""Which language people are spoken to in: the setting ``ui_language``, else what the system says."""

from __future__ import annotations

import os
from typing import Final, Literal

UiLanguage = Literal["auto", "pt-BR", "en"]
AUTO: Final = "auto"
_VARIABLE = "NIC_ETL_UI_LANGUAGE"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")  # POSIX: the first that is not empty decides

_chosen: str = ""


def choose_language(setting: str) -> None:
    """Take the value of ``ui_language`` for this process; ``auto`` leaves it to the environment."""
    global _chosen  # noqa: PLW0603 - one process speaks to one person
    _chosen = setting


def language() -> str:
    """Return the language of this moment, as a tag of BCP 47.

    Until a configuration has been read, the environment's ``NIC_ETL_UI_LANGUAGE`` holds, as it does for the
    configuration.
    """
    setting = _chosen or os.environ.get(_VARIABLE, "").strip()
    if setting and setting != AUTO:
        return setting
    named = next((value for name in _LOCALE if (value := os.environ.get(name, ""))), "")
    spoken = named.partition(".")[0].partition("@")[0].replace("-", "_").partition("_")[0].lower()
    return "pt-BR" if spoken == "pt" else "en"
