"""Puts what people read into their language; what programs read stays in English.

What is shown is said by ``_`` and ``ngettext``. What is stored or raised is an English sentence, which is its
own code: ``worded`` recognises it when it is shown. ``docs/architecture.md`` says who uses which.

Names are imported at their first use: whoever only words something recognises nothing.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from runner.wording.catalogue import N_, _, ngettext, pgettext
    from runner.wording.forms import day, decimal, grouped, moment, number
    from runner.wording.recognition import stored, worded
    from runner.wording.terms import counted, figure_words, origin_words, term
    from runner.wording.ui_language import choose_language, in_language, language

__all__ = [
    "N_",
    "_",
    "choose_language",
    "counted",
    "day",
    "decimal",
    "figure_words",
    "grouped",
    "in_language",
    "language",
    "moment",
    "ngettext",
    "number",
    "origin_words",
    "pgettext",
    "stored",
    "term",
    "worded",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "runner.wording.catalogue": (
            "N_",
            "_",
            "ngettext",
            "pgettext",
        ),
        "runner.wording.forms": (
            "day",
            "decimal",
            "grouped",
            "moment",
            "number",
        ),
        "runner.wording.ui_language": (
            "choose_language",
            "in_language",
            "language",
        ),
        "runner.wording.recognition": (
            "stored",
            "worded",
        ),
        "runner.wording.terms": (
            "counted",
            "figure_words",
            "origin_words",
            "term",
        ),
    },
)
