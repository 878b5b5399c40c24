"""Counts the formulas of a workbook that have no stored value: Excel computes them when it opens the file.

Programs write such workbooks. Whoever reads the file, and does not compute, finds the cells empty.
"""

from __future__ import annotations

import io
import re
import zipfile

_SHEET = re.compile(r"(?:^|/)worksheets/[^/]+\.xml$", re.IGNORECASE)
_WITHOUT_VALUE = re.compile(
    rb"<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*"
    rb"</(?:\w+:)?c>"
)


def formulas_warning(content: bytes) -> list[str]:
    """Return the sentence on the formulas of a workbook without a value; none where all have one."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        sheets = [package.read(name) for name in package.namelist() if _SHEET.search(name)]
    number = sum(len(_WITHOUT_VALUE.findall(sheet)) for sheet in sheets)
    if not number:
        return []
    return [
        f"Formulas without a stored value: {number}. Open the workbook in a spreadsheet program and save it."
    ]
