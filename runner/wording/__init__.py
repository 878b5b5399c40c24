"""Puts what people read into their language; what programs read stays in English.

What is shown is said by ``_`` and ``ngettext``. What is stored or raised is an English sentence, which is its
own code: ``worded`` recognises it when it is shown. ``docs/architecture.md`` says who uses which.

Names are imported at their first use: whoever only words something recognises nothing.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from runner.wording.catalogue import N_ as N_
    from runner.wording.catalogue import _ as _
    from runner.wording.catalogue import ngettext as ngettext
    from runner.wording.catalogue import pgettext as pgettext
    from runner.wording.forms import day as day
    from runner.wording.forms import decimal as decimal
    from runner.wording.forms import grouped as grouped
    from runner.wording.forms import moment as moment
    from runner.wording.forms import number as number
    from runner.wording.forms import spoken as spoken
    from runner.wording.recognition import stored as stored
    from runner.wording.recognition import worded as worded
    from runner.wording.terms import counted as counted
    from runner.wording.terms import figure_words as figure_words
    from runner.wording.terms import origin_words as origin_words
    from runner.wording.terms import term as term
    from runner.wording.ui_language import choose_language as choose_language
    from runner.wording.ui_language import language as language

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
