"""Finds out from which key to which an outputs folder changes, and refuses before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stagekit.sealing.cipher import (
    CLEAR,
    KEY_VARIABLE,
    OLD_KEY_VARIABLE,
    AesCipher,
    Cipher,
    EncryptionError,
    Keyring,
    key_from_environment,
)
from stagekit.sealing.marker import Marker, read_marker

if TYPE_CHECKING:
    from stagekit.artifacts.store import ArtifactStore

__all__ = ["KeyChange", "planned_change"]


@dataclass(frozen=True)
class KeyChange:
    """A change of the key of a folder.

    Attributes:
        from_id: of the key until now, empty if the folder is clear.
        sealing: the cipher from now on.
        known: the ciphers that something may be sealed with until now.
    """

    from_id: str
    sealing: Cipher
    known: tuple[Cipher, ...]

    @property
    def keyring(self) -> Keyring:
        """The cipher that opens what was sealed before, and seals as it is to be."""
        return Keyring(self.sealing, *self.known)


def planned_change(outputs: Path, store: ArtifactStore, *, to_clear: bool) -> KeyChange:
    """Return the change that the environment asks for.

    The new key is that of ``NIC_ETL_ENCRYPTION_KEY``, the former one that of ``NIC_ETL_ENCRYPTION_OLD_KEY``;
    to come back to clear, the former one may be in either.

    Raises:
        EncryptionError: a key is missing or is not the one that is needed.
    """
    new, old = _cipher(KEY_VARIABLE), _cipher(OLD_KEY_VARIABLE)
    sealing = CLEAR if to_clear else new
    if sealing is None:
        raise EncryptionError(
            f"There is no key to encrypt with: make one with `nic-etl state new-key`, and give it in "
            f"{KEY_VARIABLE} or {KEY_VARIABLE}_FILE (--to-clear takes the encryption away)."
        )
    given = [cipher for cipher in (old, new) if cipher is not None]
    found = []
    for where, marker in ((str(outputs), read_marker(outputs)), (store.url, store.marker())):
        if marker is not None:
            _require(where, marker, sealing, given)
        found.append(marker.key_id if marker else "")
    known = tuple(cipher for cipher in (CLEAR, *given) if cipher.key_id in found)
    return KeyChange(found[0], sealing, known)


def _require(where: str, marker: Marker, sealing: Cipher, given: list[Cipher]) -> None:
    ids = {cipher.key_id for cipher in given}
    if marker.changing_to not in {None, sealing.key_id}:
        raise EncryptionError(
            f"A change of {where} {_said(marker.key_id, marker.changing_to)} was broken off: complete that "
            "one first."
        )
    if marker.key_id not in {"", *ids}:
        said = ", ".join(sorted(ids)) or "none"
        raise EncryptionError(
            f"{where} is encrypted under the key {marker.key_id}, and the keys given are: {said}. Give the "
            f"former in {OLD_KEY_VARIABLE} or {OLD_KEY_VARIABLE}_FILE; nothing was changed."
        )


def _said(from_id: str, to_id: str | None) -> str:
    return f"from {from_id or 'clear'} to {to_id or 'clear'}"


def _cipher(variable: str) -> Cipher | None:
    key = key_from_environment(variable)
    return AesCipher(key) if key is not None else None
