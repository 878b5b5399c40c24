"""Takes secrets out of whatever is about to be written, shown or raised.

All of them leave what programs say: log lines, printed lines, tracebacks, messages of errors. What holds the
documents' own words (texts, titles, paths; answers, tables, reports) keeps the passwords of PDFs: such a
password can be any word of theirs, and a path without it opens nothing.
"""

from __future__ import annotations

import base64
import html
import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, quote_plus

SECRET_VARIABLES = (
    "GITLAB_TOKEN", "CI_JOB_TOKEN", "QDRANT_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
    "NIC_ETL_PDF_PASSWORDS", "NIC_ETL_NOTIFY_URLS", "NIC_ETL_ENCRYPTION_KEY",
    "NIC_ETL_ENCRYPTION_OLD_KEY", "NIC_ETL_SERVE_TOKEN",
)  # fmt: skip
# Of the artifact store: every process needs them, and no text does.
_STORE_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_PDF_PASSWORDS = "NIC_ETL_PDF_PASSWORDS"
_MASK = "[redacted]"
_SHORTEST = 6  # replacing shorter values would tear holes into ordinary text

# Tokens that are known by their form: GitLab's prefixes, Hugging Face's, GitHub's, JSON Web Tokens (RFC 7519;
# Qdrant Cloud's keys are some), user information in a URL.
# Each begins with a literal, which is looked for first: a notebook with its pictures is a long text.
_FORMS = tuple(
    (begin, re.compile(form))
    for begin, form in (
        *(
            (f"{kind}-", rf"\b{kind}-[0-9A-Za-z_.=-]{{10,}}")
            for kind in ("glpat", "gldt", "glrt", "glcbt", "glptt", "glft", "glsoat", "gloas")
        ),
        ("hf_", r"\bhf_[A-Za-z0-9]{20,}"),
        *((f"gh{kind}_", rf"\bgh{kind}_[A-Za-z0-9]{{20,}}") for kind in "pousr"),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
        ("eyJ", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
        ("://", r"(?<=://)[^/\s:@\"']+:[^/\s@\"']+(?=@)"),
    )
)

_USER_INFORMATION = re.compile(r"://[^/\s@]+@")


def secret_values(environment: Mapping[str, str] | None = None, *, pdf_passwords: bool = True) -> list[str]:
    """Return the secrets that the environment holds, those in ``*_FILE`` files included.

    A value of several lines is a secret as a whole, and so is each of its lines.

    Args:
        environment: by default this process's.
        pdf_passwords: return them, too; False for whatever holds texts, titles or paths of documents.
    """
    env = os.environ if environment is None else environment
    names = [name for name in SECRET_VARIABLES if pdf_passwords or name != _PDF_PASSWORDS]
    values = [env[name] for name in (*names, *_STORE_SECRETS) if env.get(name)]
    for name in names:
        file = Path(env.get(f"{name}_FILE") or os.devnull).expanduser()
        if file.is_file():
            values.append(file.read_text(encoding="utf-8", errors="replace").strip())
    lines = [line for value in values for line in value.splitlines() if line and line != value]
    return list(dict.fromkeys([*values, *lines]))


def looks_like_token(text: str) -> bool:
    """Tell whether a text holds a token of known form, or a URL with a user name or password."""
    known = any(begin in text and form.search(text) for begin, form in _FORMS)
    return known or bool(_USER_INFORMATION.search(text))


def exposed_secret_files(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence for each ``*_FILE`` secret that other users of this machine can read."""
    env = os.environ if environment is None else environment
    sentences = []
    for name in (f"{secret}_FILE" for secret in SECRET_VARIABLES):
        path = Path(env.get(name) or os.devnull).expanduser()
        if path.is_file() and path.stat().st_mode & 0o077:
            sentences.append(f"{name} names {path}, which other users can read: chmod 600 {path}.")
    return sentences


class Redactor:
    """Replaces secret values, their encoded forms, and tokens of known form, by ``[redacted]``."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _encodings(secret)}
        ordered = sorted(forms, key=len, reverse=True)
        self._exact = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        if self._exact is not None:
            text = self._exact.sub(_MASK, text)
        for begin, form in _FORMS:
            if begin in text:
                text = form.sub(_MASK, text)
        return text


class RedactedStream(io.TextIOBase):
    """A text stream that passes on what is written to it without secrets, for ``sys.stderr``."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._redact = Redactor(secret_values())

    def write(self, text: str) -> int:
        """Write a text; a secret that comes in several pieces is not found."""
        self._stream.write(self._redact(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream below."""
        self._stream.flush()

    def fileno(self) -> int:
        """Return the descriptor of the stream below."""
        return self._stream.fileno()


def _encodings(secret: str) -> set[str]:
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), repr(secret)[1:-1]}
    # Texts stand in JSON, and JSON stands in JSON: in a notebook, the data of a scrap.
    for _ in range(2):
        forms |= {json.dumps(form, ensure_ascii=flag)[1:-1] for form in set(forms) for flag in (True, False)}
    forms |= {raw.hex(), raw.hex().upper()}
    # A secret inside a longer base64 text appears in one of three alignments; its edges mix with the
    # neighbours, so the inner part is what can be matched.
    for pad in range(3):
        encoded = base64.b64encode(b"\0" * pad + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[pad] : len(encoded) - 1]
        if len(inner) >= 2 * _SHORTEST:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms
