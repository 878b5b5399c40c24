"""The one door through which executed notebooks reach the disk: redacted, whole, in the form of Jupyter."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from runner.kernels.libraries import papermill_io
from stagekit.base.files import READ_ONLY, atomic_write
from stagekit.base.redaction import Redactor, secret_values

SCHEME = "safe://"
_EXPONENTS = 1e21  # from here on JavaScript writes them, too


class SafeHandler:
    """A papermill I/O handler for ``safe://<absolute path>``."""

    @classmethod
    def read(cls, path: str) -> str:
        """Return the text of a notebook."""
        return _plain(path).read_text(encoding="utf-8")

    @classmethod
    def write(cls, buf: str, path: str) -> None:
        """Write a notebook: secrets removed first, then all of it or nothing."""
        text = Redactor(secret_values(pdf_passwords=False))(buf).replace(SCHEME, "")
        with contextlib.suppress(ValueError):  # a secret of digits was part of a number: no JSON any more
            text = _as_jupyter_writes(_without_pdf_passwords(json.loads(text)))
        atomic_write(_plain(path), text.encode(), mode=READ_ONLY)

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


def _without_pdf_passwords(notebook: dict[str, Any]) -> dict[str, Any]:
    """Take them out of what a stage printed and raised; its tables hold titles and paths, and stay."""
    passwords = set(secret_values()) - set(secret_values(pdf_passwords=False))
    if not passwords:
        return notebook
    redact = Redactor(passwords)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                output["text"] = redact("".join(output["text"])).splitlines(keepends=True)
            elif output["output_type"] == "error":
                output["evalue"] = redact(output["evalue"])
                output["traceback"] = [redact(line) for line in output["traceback"]]
    return notebook


def _as_jupyter_writes(notebook: dict[str, Any]) -> str:
    """Return the text that JupyterLab would leave, so that saving what was not changed changes nothing."""
    return json.dumps(_in_javascript(notebook), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _in_javascript(value: Any) -> Any:
    """Return a JSON value after a way through a browser, which knows no difference between 1.0 and 1."""
    if isinstance(value, dict):
        return {name: _in_javascript(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_javascript(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXPONENTS:
        return int(value)
    return value


def _plain(path: str) -> Path:
    return Path(path.removeprefix(SCHEME))


papermill_io.register(SCHEME, SafeHandler)
