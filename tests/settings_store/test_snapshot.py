"""The values that hold: defaults, own values, and "same as primary" read through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.catalog import ALL_OPTIONS, OPTIONS
from settings_store.cipher import Cipher
from settings_store.errors import UnknownOption
from settings_store.keyring import Keyring
from settings_store.kinds import MASK, Value
from settings_store.snapshot import Snapshot

CIPHER = Cipher(Keyring("k", {"k": b"\x07" * 32}), "notify")


def test_an_empty_snapshot_is_all_defaults() -> None:
    snapshot = Snapshot()
    assert snapshot.revision == 0
    assert snapshot.changed == frozenset()
    assert {key: snapshot.get(key) for key in ALL_OPTIONS} == {
        key: option.default for key, option in ALL_OPTIONS.items()
    }


def test_a_value_is_read_by_its_kind_and_by_no_other() -> None:
    snapshot = Snapshot(3, {"primary_email.server_name": "mail"})
    assert snapshot.text("primary_email.server_name") == "mail"
    assert snapshot.number("primary_email.server_port") == 25
    assert snapshot.flag("primary_email.enable_ssl") is False
    for read in (snapshot.number, snapshot.text):
        with pytest.raises(TypeError, match="enable_ssl"):
            read("primary_email.enable_ssl")
    with pytest.raises(TypeError, match="server_port"):
        snapshot.flag("primary_email.server_port")
    with pytest.raises(TypeError, match="server_name is not a secret"):
        snapshot.seal("primary_email.server_name")
    with pytest.raises(TypeError, match="server_name is not a secret"):
        snapshot.secret("primary_email.server_name")
    with pytest.raises(UnknownOption):
        snapshot.get("primary_email.nothing")


def test_a_secret_is_shown_as_a_mask_that_does_not_tell_its_length() -> None:
    key = "primary_email.client_secret"
    short, long = (Snapshot(1, {key: CIPHER.seal(key, "x" * size)}, CIPHER) for size in (1, 900))
    assert short.get(key) == long.get(key) == MASK
    assert Snapshot().get(key) == ""
    assert Snapshot().seal(key) == ""
    assert Snapshot().secret(key)() == ""
    assert short.is_set(key)
    assert not Snapshot().is_set(key)


def test_blanks_do_not_make_a_text_set() -> None:
    assert not Snapshot(1, {"primary_email.server_name": "  "}).is_set("primary_email.server_name")


PAIRED = [key for key in OPTIONS if key.startswith(("secondary_email.", "secondary_sms."))]


@pytest.mark.parametrize("key", PAIRED)
def test_while_the_mirror_is_on_each_secondary_option_is_the_primarys_and_after_it_its_own(key: str) -> None:
    group = key.split(".", maxsplit=1)[0].removeprefix("secondary_")
    primary = key.replace("secondary", "primary")
    own, theirs = samples(key), samples(primary)
    flag = f"mirror.{group}"

    def seen(stored: dict[str, Value]) -> Value:
        snapshot = Snapshot(1, stored, CIPHER)
        return snapshot.secret(key)() if ALL_OPTIONS[key].secret else snapshot.get(key)

    plain = {k: ("p" if k == primary else "s") for k in (primary, key)}
    expected = plain if ALL_OPTIONS[key].secret else {primary: theirs, key: own}
    assert seen({primary: theirs, key: own, flag: True}) == expected[primary]
    assert seen({primary: theirs, key: own}) == expected[key]
    assert seen({key: own, flag: True}) == ALL_OPTIONS[key].default, "clearing the primary clears it too"


def samples(key: str) -> Value:
    """A stored value that differs from the default and between primary and secondary."""
    option = ALL_OPTIONS[key]
    is_primary = key.startswith("primary")
    if option.secret:
        return CIPHER.seal(key, "p" if is_primary else "s")
    if isinstance(option.default, bool):
        return is_primary
    if isinstance(option.default, int):
        return 7 if is_primary else 8
    return "p" if is_primary else "s"


def test_each_mirror_covers_its_own_pair_only() -> None:
    stored: dict[str, Value] = {"primary_sms.server_port": 2525, "primary_email.server_port": 2526}
    by_email = Snapshot(1, {**stored, "mirror.email": True})
    assert by_email.get("secondary_email.server_port") == 2526
    assert by_email.get("secondary_sms.server_port") == 25
    by_sms = Snapshot(1, {**stored, "mirror.sms": True})
    assert by_sms.get("secondary_email.server_port") == 25
    assert by_sms.get("secondary_sms.server_port") == 2525


def test_a_mirrored_secret_has_the_primarys_seal_and_opens_as_the_primarys() -> None:
    sealed = CIPHER.seal("primary_sms.authentication_password", "pw")
    stored: dict[str, Value] = {"mirror.sms": True, "primary_sms.authentication_password": sealed}
    snapshot = Snapshot(1, stored, CIPHER)
    assert snapshot.seal("secondary_sms.authentication_password") == sealed
    assert snapshot.secret("secondary_sms.authentication_password")() == "pw"


def test_changed_is_what_differs_from_its_default_as_it_holds() -> None:
    stored: dict[str, Value] = {"primary_email.server_port": 587, "secondary_email.server_name": "own"}
    assert Snapshot(1, stored).changed == {"primary_email.server_port", "secondary_email.server_name"}
    assert Snapshot(1, {**stored, "mirror.email": True}).changed == {
        "mirror.email",
        "primary_email.server_port",
        "secondary_email.server_port",
    }


@given(stored=st.dictionaries(st.sampled_from(PAIRED), st.just(value="x")), mirror=st.booleans())
def test_an_options_source_is_itself_or_its_primary(stored: dict[str, Value], mirror: bool) -> None:  # noqa: FBT001 - given by name
    snapshot = Snapshot(1, {**stored, "mirror.email": mirror, "mirror.sms": mirror})
    for key in ALL_OPTIONS:
        mirrored = mirror and key in PAIRED
        assert snapshot.source(key) == (key.replace("secondary", "primary") if mirrored else key)


def test_values_of_options_that_this_version_does_not_know_are_kept_and_not_shown() -> None:
    snapshot = Snapshot(1, {"later.option": 5})
    assert snapshot.changed == frozenset()
    assert snapshot.stored == {"later.option": 5}
