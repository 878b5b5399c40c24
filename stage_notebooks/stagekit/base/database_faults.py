"""Tells a damaged SQLite file, which is set aside, from one that cannot be used just now."""

from __future__ import annotations

import sqlite3

__all__ = ["is_damage"]


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Tell whether an error lies in the file (a damaged page, other tables) and not around it.

    Locked files, full disks and missing rights are OperationalErrors too, with other codes
    (https://sqlite.org/rescode.html). Text that is no UTF-8 has none: Python raises that itself.
    """
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR
    return type(error) is sqlite3.DatabaseError
