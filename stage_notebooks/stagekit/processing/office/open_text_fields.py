"""Reads the fields of a form that an OpenDocument text keeps in the way of Word (`field:fieldmark`)."""

from __future__ import annotations

from typing import Any, Final

from stagekit.processing.office.open_text_styles import attributes, name_of

_BOX: Final = "FORMCHECKBOX"
_LIST: Final = "FORMDROPDOWN"


def form_field(element: Any) -> tuple[bool | None, str]:
    """Return whether a field's box is ticked (None: it has none), and the entry chosen from its list."""
    kind = attributes(element).get("type", "").rpartition(".")[2]
    said = [attributes(child) for child in element if name_of(child) == "param"]
    values = {one.get("name", ""): one.get("value", "") for one in said}
    if kind == _BOX:
        return values.get("Checkbox_Checked") == "true", ""
    if kind != _LIST:
        return None, ""
    entries = [one.get("value", "") for one in said if one.get("name") == "Dropdown_ListEntry"]
    chosen = values.get("Dropdown_Selected", "")
    return None, entries[int(chosen)] if chosen.isdigit() and int(chosen) < len(entries) else ""
