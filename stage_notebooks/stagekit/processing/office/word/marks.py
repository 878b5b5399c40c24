"""Signs that travel in the text through Docling, and say there what its model of Word has no place for.

They are noncharacters, which Unicode sets aside for use inside a program (chapter 23.7): no document has a
reason to hold one, and those that stand in a document are taken out before.
"""

from __future__ import annotations

import re
from typing import Final

NUMBER_START: Final = "\ufdd0"  # round the number of a list item, in front of its text
NUMBER_END: Final = "\ufdd1"
NOTE: Final = "\ufdd2"  # in front of a paragraph of a note
PAGE_HEADER: Final = "\ufdd3"  # in front of a line of a page's header
PAGE_FOOTER: Final = "\ufdd4"
COLUMN_HEADER: Final = "\ufdd5"  # in each cell of a header row

_ANY = re.compile("[\ufdd0-\ufdef]")


def has_marks(text: str) -> bool:
    """Tell whether a text holds one of these signs."""
    return _ANY.search(text) is not None


def without_marks(text: str) -> str:
    """Return a text without any of these signs."""
    return _ANY.sub("", text)
