"""The one door through which executed notebooks reach the disk: redacted, whole, readable by their owner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner.kernels.libraries import papermill_io
from stagekit.base.files import atomic_write
from stagekit.base.redaction import Redactor, secret_values

__all__ = ["SCHEME", "SafeHandler", "safe_path"]

SCHEME = "safe://"


class SafeHandler:
    """A papermill I/O handler for ``safe://<absolute path>``."""

    @classmethod
    def read(cls, path: str) -> str:
        """Return the text of a notebook."""
        return _plain(path).read_text(encoding="utf-8")

    @classmethod
    def write(cls, buf: str, path: str) -> None:
        """Write a notebook: secrets removed first, then all of it or nothing."""
        text = _without_pdf_passwords(Redactor(secret_values(pdf_passwords=False))(buf))
        atomic_write(_plain(path), text.replace(SCHEME, "").encode())

    @classmethod
    def listdir(cls, path: str) -> list[str]:
        """List a folder (papermill's handler interface)."""
        return sorted(str(item) for item in _plain(path).iterdir())

    @classmethod
    def pretty_path(cls, path: Any) -> str:
        """Return the path as papermill's messages show it."""
        return str(path).removeprefix(SCHEME)


def safe_path(path: Path) -> str:
    """Return the address of a notebook for papermill; it formats braces in paths, so they are doubled."""
    return SCHEME + str(path.absolute()).replace("{", "{{").replace("}", "}}")


def _without_pdf_passwords(text: str) -> str:
    """Take them out of what a stage printed and raised; its tables hold titles and paths, and stay."""
    passwords = set(secret_values()) - set(secret_values(pdf_passwords=False))
    if not passwords:
        return text
    redact = Redactor(passwords)
    if redact(text) == text:
        return text
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                output["text"] = redact("".join(output["text"])).splitlines(keepends=True)
            elif output["output_type"] == "error":
                output["evalue"] = redact(output["evalue"])
                output["traceback"] = [redact(line) for line in output["traceback"]]
    end = "\n" if text.endswith("\n") else ""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + end


def _plain(path: str) -> Path:
    return Path(path.removeprefix(SCHEME))


papermill_io.register(SCHEME, SafeHandler)
