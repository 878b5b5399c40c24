"""The two keys of a change: the one that a place was encrypted under, and the one that it is to get."""

from __future__ import annotations

from stagekit.sealing.cipher import (
    CLEAR,
    KEY_VARIABLE,
    OLD_KEY_VARIABLE,
    AesCipher,
    Cipher,
    EncryptionError,
    key_from_environment,
)
from stagekit.sealing.marker import Marker


def new_cipher(*, to_clear: bool) -> Cipher:
    """Return the cipher of the key in ``NIC_ETL_ENCRYPTION_KEY``, or none of any key.

    Raises:
        EncryptionError: there is no key, or a weak one.
    """
    if to_clear:
        return CLEAR
    key = key_from_environment(KEY_VARIABLE)
    if key is None:
        raise EncryptionError(
            f"There is no key to encrypt with: make one with `nic-etl state new-key`, and give it in "
            f"{KEY_VARIABLE} or {KEY_VARIABLE}_FILE (--to-clear takes the encryption away)."
        )
    return AesCipher(key)


def former_cipher(where: str, marker: Marker | None) -> Cipher:
    """Return the cipher of a place as it is, with the key in ``NIC_ETL_ENCRYPTION_OLD_KEY`` or the new one.

    Raises:
        EncryptionError: neither is the key that the marker of the place names.
    """
    if marker is None:
        return CLEAR
    keys = [key for name in (OLD_KEY_VARIABLE, KEY_VARIABLE) if (key := key_from_environment(name))]
    ciphers = {cipher.key_id: cipher for cipher in map(AesCipher, keys)}
    if marker.key_id not in ciphers:
        raise EncryptionError(
            f"{where} is encrypted under the key {marker.key_id}, and the keys given are: "
            f"{', '.join(sorted(ciphers)) or 'none'}. Give the former in {OLD_KEY_VARIABLE} or "
            f"{OLD_KEY_VARIABLE}_FILE; nothing was changed."
        )
    return ciphers[marker.key_id]
