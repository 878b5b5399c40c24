"""Puts what people read into their language; what programs read stays in English.

What is shown is said by ``_`` and ``ngettext``. What is stored or raised is an English sentence, which is its
own code: ``worded`` recognises it when it is shown. ``docs/architecture.md`` says who uses which.
"""

from runner.wording.catalogue import N_, _, ngettext, pgettext
from runner.wording.forms import day, decimal, grouped, moment, number
from runner.wording.language import choose_language, language
from runner.wording.recognition import stored, worded
from runner.wording.terms import counted, figure_words, origin_words, term

__all__ = [
    "N_",
    "_",
    "choose_language",
    "counted",
    "day",
    "decimal",
    "figure_words",
    "grouped",
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
