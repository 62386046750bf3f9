"""Sealing and opening: what binds a value, and what an error says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.cipher import Cipher, key_id_of
from settings_store.errors import BrokenSeal, InvalidValue, MissingKey, NoKeyring, SecretFault, UnknownSeal
from settings_store.keyring import Keyring, generate
from settings_store.snapshot import Snapshot

OPTION = "primary_email.authentication_password"
OTHER_OPTION = "secondary_email.authentication_password"
PLAIN = "pl4nted-Secret"


@pytest.fixture
def cipher(keyring: Keyring) -> Cipher:
    return Cipher(keyring, "notify")


@given(plain=st.text())
def test_what_was_sealed_opens_to_the_same_text(plain: str) -> None:
    cipher = Cipher(Keyring("k", {"k": b"\x07" * 32}), "notify")
    assert cipher.open(OPTION, cipher.seal(OPTION, plain)) == plain


def test_a_sealed_value_has_the_documented_form_and_is_new_each_time(
    cipher: Cipher, keyring: Keyring
) -> None:
    first, second = cipher.seal(OPTION, PLAIN), cipher.seal(OPTION, PLAIN)
    assert re.fullmatch(rf"enc:v1:{keyring.primary}:[A-Za-z0-9_-]{{56}}", first)
    assert first != second
    assert key_id_of(first) == keyring.primary
    assert key_id_of(PLAIN) == ""


def test_a_value_moved_to_another_option_does_not_open(cipher: Cipher, keyring: Keyring) -> None:
    with pytest.raises(BrokenSeal, match=f"{OTHER_OPTION}: the key {keyring.primary} does not open"):
        cipher.open(OTHER_OPTION, cipher.seal(OPTION, PLAIN))


def test_a_value_moved_to_another_installation_does_not_open(cipher: Cipher, keyring: Keyring) -> None:
    elsewhere = Cipher(keyring, "notify-test")
    with pytest.raises(BrokenSeal):
        elsewhere.open(OPTION, cipher.seal(OPTION, PLAIN))
    with pytest.raises(BrokenSeal):
        elsewhere.open_pasted(OPTION, cipher.seal_for_pasting(PLAIN))


def test_a_pasted_value_is_no_stored_one_and_a_stored_one_cannot_be_pasted(cipher: Cipher) -> None:
    assert cipher.open_pasted(OPTION, cipher.seal_for_pasting(PLAIN)) == PLAIN
    with pytest.raises(BrokenSeal):
        cipher.open(OPTION, cipher.seal_for_pasting(PLAIN))
    with pytest.raises(BrokenSeal):
        cipher.open_pasted(OPTION, cipher.seal(OPTION, PLAIN))


def test_any_altered_character_breaks_the_seal(cipher: Cipher) -> None:
    sealed = cipher.seal(OPTION, PLAIN)
    start = sealed.rindex(":") + 1
    for position in range(start, len(sealed)):
        altered = sealed[:position] + ("A" if sealed[position] != "A" else "B") + sealed[position + 1 :]
        with pytest.raises(SecretFault):
            cipher.open(OPTION, altered)
    with pytest.raises(BrokenSeal):
        cipher.open(OPTION, sealed[: start + 4])


def test_a_missing_key_is_named_with_the_option(cipher: Cipher, keyring: Keyring, tmp_path: Path) -> None:
    other = Cipher(generate(tmp_path / "other.json"), "notify")
    with pytest.raises(MissingKey, match=f"{OPTION}: sealed with the key {keyring.primary}, which is not in"):
        other.open(OPTION, cipher.seal(OPTION, PLAIN))


def test_another_key_under_the_same_id_is_told(cipher: Cipher, keyring: Keyring) -> None:
    imposter = Cipher(Keyring(keyring.primary, {keyring.primary: b"\x01" * 32}), "notify")
    with pytest.raises(BrokenSeal, match=f"{OPTION}: the key {keyring.primary} does not open"):
        imposter.open(OPTION, cipher.seal(OPTION, PLAIN))


def test_an_older_key_still_opens_while_the_new_one_seals(cipher: Cipher, keyring: Keyring) -> None:
    sealed = cipher.seal(OPTION, PLAIN)
    rotated = Cipher(Keyring("new", {"new": b"\x02" * 32, **keyring.keys}), "notify")
    assert rotated.open(OPTION, sealed) == PLAIN
    assert key_id_of(rotated.seal(OPTION, PLAIN)) == "new"


@pytest.mark.parametrize("stored", ["plain", "enc:v2:k:abcd", "enc:v1:k", "enc:v1:k:ab cd", ""])
def test_what_is_no_sealed_value_is_told_without_showing_it(cipher: Cipher, stored: str) -> None:
    with pytest.raises(UnknownSeal, match=f"^{OPTION}: what is stored is not a sealed value"):
        cipher.open(OPTION, stored)
    with pytest.raises(InvalidValue, match=f"^{OPTION}: is not a sealed value"):
        cipher.open_pasted(OPTION, stored)


def test_without_a_key_ring_the_message_has_the_cure() -> None:
    cipher = Cipher(None, "notify")
    cure = r"`notify keys generate FILE`.*NOTIFY_KEY_FILE"
    with pytest.raises(NoKeyring, match=cure):
        cipher.seal(OPTION, PLAIN)
    with pytest.raises(NoKeyring, match=cure):
        cipher.seal_for_pasting(PLAIN)
    with pytest.raises(NoKeyring, match=cure):
        cipher.open(OPTION, "enc:v1:k:abcd")


@pytest.mark.parametrize("plain", ["", "two\nlines", "\x00", "x" * 4001, "x" * 3999])
def test_what_could_not_be_pasted_is_not_sealed_for_it(cipher: Cipher, plain: str) -> None:
    with pytest.raises(InvalidValue, match=r"^secret: "):
        cipher.seal_for_pasting(plain)


def test_an_opener_opens_late_and_shows_nothing(cipher: Cipher) -> None:
    sealed = cipher.seal(OPTION, PLAIN)
    snapshot = Snapshot(1, {OPTION: sealed}, cipher)
    opener = snapshot.secret(OPTION)
    assert opener() == PLAIN
    shown = f"{opener!r}{snapshot!r}{cipher!r}"
    assert PLAIN not in shown
    assert sealed not in shown
    late = Snapshot(1, {OPTION: sealed}, Cipher(None, "notify")).secret(OPTION)
    with pytest.raises(NoKeyring):
        late()
