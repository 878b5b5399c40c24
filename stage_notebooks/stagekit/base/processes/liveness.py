"""Whether a process still executes, asked of the system."""

from __future__ import annotations

import psutil


def is_alive(pid: int) -> bool:
    """Tell whether a process executes: it has not ended, nor does it only wait to be reaped (a zombie)."""
    try:
        # Asked once: between "is there one?" and "in which state?" it may end.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
