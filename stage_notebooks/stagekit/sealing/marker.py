"""Says of a folder under which key it is encrypted, and gives the cipher for it or refuses.

``encryption.json`` lies in ``outputs/`` and at the root of the artifact store, which may be elsewhere; it is
written before the first sealed value. Without it a place is clear.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from stagekit.base.files import atomic_write
from stagekit.sealing.cipher import (
    CLEAR,
    KEY_VARIABLE,
    AesCipher,
    Cipher,
    EncryptionError,
    key_from_environment,
    key_id_of,
)

MARKER_FILE = "encryption.json"
_VERSION = 1
_DATA = ("memo.sqlite", "vectors.sqlite", "artifacts/sha256/*/*", "qdrant/collections/*", "runs/*/run.json")


@dataclass(frozen=True)
class Marker:
    """What a marker says."""

    key_id: str  # of the key that everything is sealed under

    def text(self) -> bytes:
        """Return the marker as its file holds it."""
        return (json.dumps({"version": _VERSION, "algorithm": "AES-256-GCM"} | asdict(self)) + "\n").encode()


def parse_marker(data: bytes, where: str) -> Marker:
    """Return the marker in a file.

    Raises:
        EncryptionError: if it is damaged, of a later version, or of a change that an earlier one has begun.
    """
    try:
        content = json.loads(data)
        marker, version = Marker(str(content["key_id"])), content["version"]
        half_changed = content.get("changing_to") is not None
    except (ValueError, KeyError, TypeError):
        path = f"{where}/{MARKER_FILE}"
        raise EncryptionError(
            f"{path} is damaged: put it back from a backup; the one in outputs_dir and the "
            "one at the root of its artifact store hold the same."
        ) from None
    if version != _VERSION:
        raise EncryptionError(f"{where} was encrypted by a later version of nic-etl: use that one.")
    if half_changed:  # earlier versions changed the key in place
        raise EncryptionError(
            f"A change of the key of {where} that an earlier version of nic-etl began is not complete: "
            "complete it with that version (`nic-etl state rekey` with the same keys), or restore a backup."
        )
    return marker


def read_marker(folder: Path) -> Marker | None:
    """Return what the marker of a folder says; None where there is none."""
    try:
        return parse_marker((folder / MARKER_FILE).read_bytes(), str(folder))
    except FileNotFoundError:
        return None


def cipher_for(marker: Marker | None, where: str) -> Cipher:
    """Return the cipher of a place, with the key of the environment.

    Raises:
        EncryptionError: if the key is missing, weak or another one.
    """
    if marker is None:
        return CLEAR
    key = key_from_environment()
    if key is None:
        raise EncryptionError(
            f"{where} is encrypted under the key {marker.key_id}: give it in {KEY_VARIABLE} or "
            f"{KEY_VARIABLE}_FILE."
        )
    if key_id_of(key) != marker.key_id:
        raise EncryptionError(
            f"{where} is encrypted under the key {marker.key_id}, and the key in {KEY_VARIABLE} is "
            f"{key_id_of(key)}: give the former; nothing was changed."
        )
    return AesCipher(key)


def folder_cipher(folder: Path) -> Cipher:
    """Return the cipher of what lies in an outputs folder; the errors are those of :func:`cipher_for`."""
    return cipher_for(read_marker(folder), str(folder))


def prepare_folder(outputs: Path) -> Cipher:
    """Return the cipher of an outputs folder; one that holds nothing yet is encrypted if there is a key.

    Raises:
        EncryptionError: as :func:`cipher_for`, and if there is a key and the folder holds clear data.
    """
    marker = read_marker(outputs)
    key = key_from_environment()
    if key is not None and marker != Marker(key_id_of(key)):
        holds_data = any(True for pattern in _DATA for _ in outputs.glob(pattern))
        if marker is None and holds_data:
            raise EncryptionError(clear_place(str(outputs)))
        if not holds_data:
            marker = Marker(key_id_of(key))
            atomic_write(outputs / MARKER_FILE, marker.text())
    return cipher_for(marker, str(outputs))


def clear_place(where: str) -> str:
    """Return the sentence about a place that holds clear data although there is a key."""
    return (
        f"{where} is not encrypted, and {KEY_VARIABLE} is set: run `nic-etl state rekey`, which encrypts "
        "what is there, or take the key out of the environment."
    )
