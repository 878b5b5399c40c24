"""Promises of sealing: what is sealed comes back whole under its key and name, and in no other way."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit.errors import StageError
from stagekit.sealing.cipher import (
    CLEAR,
    KEY_VARIABLE,
    AesCipher,
    DamagedError,
    EncryptionError,
    key_from_environment,
    key_id_of,
    new_key,
    sealed_under,
)

KEY, OTHER = base64.b64decode(new_key()), base64.b64decode(new_key())
NAMES = st.text(max_size=80)


@given(NAMES, st.binary(max_size=2000))
def test_what_is_sealed_comes_back_under_the_same_key_and_name(name: str, data: bytes) -> None:
    cipher = AesCipher(KEY)
    sealed = cipher.seal(name, data)
    assert cipher.open(name, sealed) == data
    assert AesCipher(KEY).open(name, sealed) == data
    assert len(sealed) == len(data) + cipher.overhead
    assert sealed_under(sealed) == cipher.key_id == key_id_of(KEY)
    assert len(data) < 8 or data not in sealed[28:]  # after magic, key id and nonce
    assert cipher.seal(name, data) != sealed  # equal documents cannot be told from their files


@given(NAMES, st.binary(max_size=200), st.data())
def test_an_altered_byte_a_cut_end_and_another_name_are_noticed(
    name: str, data: bytes, draw: st.DataObject
) -> None:
    cipher = AesCipher(KEY)
    sealed = bytearray(cipher.seal(name, data))
    place = draw.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= draw.draw(st.integers(1, 255))
    with pytest.raises((DamagedError, EncryptionError)):
        cipher.open(name, bytes(sealed))
    whole = cipher.seal(name, data)
    with pytest.raises(DamagedError):
        cipher.open(name, whole[: draw.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(DamagedError):
        cipher.open(name + "x", whole)


def test_another_key_is_refused_by_name_and_nothing_is_called_damaged() -> None:
    sealed = AesCipher(KEY).seal("memo/1", b"text")
    for cipher in (AesCipher(OTHER), CLEAR):
        with pytest.raises(EncryptionError, match=f"memo/1 is encrypted under the key {key_id_of(KEY)}"):
            cipher.open("memo/1", sealed)


def test_clear_values_stay_as_they_are() -> None:
    assert CLEAR.open("a", CLEAR.seal("a", b"1")) == b"1"
    assert CLEAR.pseudonym("a")
    assert not CLEAR.key_id


def test_a_key_is_taken_from_the_environment_or_a_file(tmp_path: Path) -> None:
    text = new_key()
    file = tmp_path / "key"
    file.write_text(text + "\n")
    key = base64.b64decode(text)
    assert key_from_environment(environment={KEY_VARIABLE: text}) == key
    assert key_from_environment(environment={f"{KEY_VARIABLE}_FILE": str(file)}) == key
    assert key_from_environment(environment={KEY_VARIABLE: base64.urlsafe_b64encode(key).decode()}) == key
    assert key_from_environment(environment={KEY_VARIABLE: ""}) is None
    assert key_from_environment(environment={}) is None
    with pytest.raises(StageError, match=f"{KEY_VARIABLE}_FILE names .*cannot be read"):
        key_from_environment(environment={f"{KEY_VARIABLE}_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("correct horse battery staple", "is not base64"),
        ("çedilha", "is not base64"),
        (base64.b64encode(b"short").decode(), "holds 5 bytes; a key has 32"),
        (base64.b64encode(bytes(32)).decode(), "is not random"),
        (base64.b64encode(b"a sentence of thirty-two letters").decode(), "is not random"),
    ],
)
def test_a_weak_key_is_refused_with_the_remedy_and_not_repeated(text: str, why: str) -> None:
    with pytest.raises(EncryptionError, match=f"{KEY_VARIABLE} {why}.*nic-etl state new-key") as refusal:
        key_from_environment(environment={KEY_VARIABLE: text})
    assert text not in str(refusal.value)
