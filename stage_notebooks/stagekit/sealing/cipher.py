"""Seals bytes with AES-256-GCM, so that what lies below ``outputs/`` tells nothing to whoever lacks the key.

A sealed value is ``magic (7) | version (1) | key id (8) | nonce (12) | ciphertext | tag (16)``. Header and
name of the value are authenticated with it (NIST SP 800-38D, "additional authenticated data"): an altered
byte shows, and so does a value that was put in the place of another. Nonces are random; the same document
allows 2^32 of them under one key, which `nic-etl state rekey` replaces.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from typing import Protocol

from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError

KEY_VARIABLE = "NIC_ETL_ENCRYPTION_KEY"
OLD_KEY_VARIABLE = "NIC_ETL_ENCRYPTION_OLD_KEY"
_MAGIC = b"NIC-ETL\x01"  # the last byte is the version of the format
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 8, 12, 16
_HEADER_BYTES = len(_MAGIC) + _ID_BYTES + _NONCE_BYTES
_KEY_BYTES = 32
_FEWEST_VALUES = 16  # of 32 random bytes 30 differ; fewer than 16 do so once in 10^20 keys
_MOST_BYTES = 2**31 - 1  # that the library seals in one call
_REMEDY = "make one with `nic-etl state new-key` or `openssl rand -base64 32`"


class EncryptionError(StageError):
    """The key is missing, unusable, or not the one that something was sealed under."""


class DamagedError(Exception):
    """A sealed value was altered or cut, or belongs to another name."""


class Cipher(Protocol):
    """What stores seal and open their values with.

    Attributes:
        key_id: of the key that values are sealed under, empty where they stay clear.
        overhead: bytes that sealing adds.
    """

    @property
    def key_id(self) -> str:
        """The public name of the key."""

    @property
    def overhead(self) -> int:
        """In bytes."""

    def seal(self, name: str, data: bytes, /) -> bytes:
        """Return the bytes to store under a name."""

    def open(self, name: str, data: bytes, /) -> bytes:
        """Return what was sealed under a name.

        Raises:
            DamagedError: it was altered or cut, or sealed under another name.
            EncryptionError: it was sealed under another key.
        """

    def pseudonym(self, text: str, /) -> str:
        """Return a few hexadecimal digits that stand for a text, and tell it only to holders of the key."""


class _Clear:
    """Stores values as they are."""

    key_id = ""
    overhead = 0

    def seal(self, _name: str, data: bytes) -> bytes:
        return data

    def open(self, name: str, data: bytes) -> bytes:
        found = sealed_under(data)
        if found:
            raise EncryptionError(f"{name} is encrypted under the key {found}: give that key in {_GIVE_KEY}.")
        return data

    def pseudonym(self, text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()[:8]


class AesCipher:
    """Seals under one key, and opens what was sealed under it."""

    overhead = _HEADER_BYTES + _TAG_BYTES

    def __init__(self, key: bytes) -> None:
        # 0.1 s that only encrypted folders are to pay.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.key_id = key_id_of(key)
        self._aes = AESGCM(key)
        self._prefix = _MAGIC + bytes.fromhex(self.key_id)
        self._pseudonyms = hmac.digest(key, b"nic-etl pseudonyms", "sha256")

    def seal(self, name: str, data: bytes) -> bytes:
        """Return the sealed bytes, each time others."""
        if len(data) > _MOST_BYTES:
            raise EncryptionError(
                f"{name} has {len(data):,} bytes; at most {_MOST_BYTES:,} can be encrypted."
            )
        nonce = os.urandom(_NONCE_BYTES)
        header = self._prefix + nonce
        return header + self._aes.encrypt(nonce, data, header + name.encode(errors="surrogateescape"))

    def open(self, name: str, data: bytes) -> bytes:
        """Return what was sealed; the errors are those of :class:`Cipher`."""
        from cryptography.exceptions import InvalidTag

        found = sealed_under(data)
        if found is None or len(data) < self.overhead:
            raise DamagedError(f"{name} is not encrypted as it should be")
        if found != self.key_id:
            raise EncryptionError(
                f"{name} is encrypted under the key {found}, and what lies around it under {self.key_id}: "
                "put it back from a backup made under that key, or delete it; the next run makes it again."
            )
        header, body = data[:_HEADER_BYTES], memoryview(data)[_HEADER_BYTES:]
        try:
            named = header + name.encode(errors="surrogateescape")
            return self._aes.decrypt(header[-_NONCE_BYTES:], body, named)
        except InvalidTag:
            raise DamagedError(f"{name} was altered since it was encrypted") from None

    def pseudonym(self, text: str) -> str:
        """Return eight hexadecimal digits of a keyed hash."""
        return hmac.digest(self._pseudonyms, text.encode(errors="replace"), "sha256")[:4].hex()


CLEAR: Cipher = _Clear()
"""The cipher of a folder that is not encrypted."""
_GIVE_KEY = f"{KEY_VARIABLE} or {KEY_VARIABLE}_FILE"


def sealed_under(data: bytes) -> str | None:
    """Return the id of the key that bytes say they are sealed under; None where they say nothing of it."""
    if not data.startswith(_MAGIC):
        return None
    return bytes(data[len(_MAGIC) : len(_MAGIC) + _ID_BYTES]).hex()


def key_id_of(key: bytes) -> str:
    """Return the public name of a key: 16 hexadecimal digits of its hash."""
    return hashlib.sha256(b"nic-etl key id\0" + key).hexdigest()[: 2 * _ID_BYTES]


def new_key() -> str:
    """Return a new random key as it is given in the environment."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def key_from_environment(
    variable: str = KEY_VARIABLE, environment: Mapping[str, str] | None = None
) -> bytes | None:
    """Return the key in a variable, or in the file that ``<variable>_FILE`` names; None where there is none.

    Raises:
        EncryptionError: it is no key of 32 random bytes in base64.
        StageError: the file cannot be read.
    """
    env = os.environ if environment is None else environment
    if env.get(variable):
        return _key(env[variable], variable)
    file = env.get(f"{variable}_FILE")
    if not file:
        return None
    return _key(secret_from_file(f"{variable}_FILE", file, "key"), f"{variable}_FILE")


def _key(text: str, variable: str) -> bytes:
    # The sentences never repeat the text: a wrong key is often somebody's password.
    letters = re.sub(r"\s", "", text).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise EncryptionError(f"{variable} is not base64: {_REMEDY}.") from None
    if len(key) != _KEY_BYTES:
        raise EncryptionError(f"{variable} holds {len(key)} bytes; a key has {_KEY_BYTES}: {_REMEDY}.")
    if len(set(key)) < _FEWEST_VALUES or all(32 <= byte < 127 for byte in key):
        raise EncryptionError(f"{variable} is not random, so that it could be guessed: {_REMEDY}.")
    return key
