"""A key ring follows its files; and each change of a file leaves the old one or the new one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from settings_store import key_file
from settings_store.cipher import Cipher
from settings_store.errors import KeyringUnusable, MissingKey
from settings_store.keyring import generate, load, read
from settings_store.live_keyring import followed, followed_when_needed

OPTION = "primary_email.client_secret"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    generate(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def test_no_file_is_no_key_ring_and_one_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    assert followed([]) is None
    with pytest.raises(KeyringUnusable, match="absent: cannot be read"):
        followed([tmp_path / "absent"])


def test_a_key_that_is_added_opens_at_once_and_one_that_is_promoted_seals(path: Path) -> None:
    ring = followed([path])
    assert ring is not None
    before = ring.primary
    key_id = key_file.add_next(path)
    assert (ring.primary, set(ring.keys)) == (before, {before, key_id})
    other = load([path])
    assert other is not None
    key_file.promote(path, key_id)
    assert ring.primary == key_id
    sealed = Cipher(ring, "notify").seal(OPTION, "x")
    assert Cipher(other, "notify").open(OPTION, sealed) == "x", "whoever read it before opens it too"
    key_file.remove(path, before)
    assert set(ring.keys) == {key_id}
    with pytest.raises(MissingKey):
        Cipher(ring, "notify").open(OPTION, sealed.replace(key_id, before))


def test_a_file_that_cannot_be_used_any_more_leaves_the_keys_as_they_were(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ring = followed([path])
    assert ring is not None
    key_id = ring.primary
    path.chmod(0o644)
    path.write_text("not a ring")
    assert set(ring.keys) == {key_id}
    assert set(ring.keys) == {key_id}
    assert caplog.text.count("keyring_not_read_anew") == 1
    path.unlink()
    assert set(ring.keys) == {key_id}
    generate(path)
    assert key_id not in ring.keys


def test_a_file_that_was_refused_for_its_rights_is_read_once_they_are_taken_away(path: Path) -> None:
    ring = followed([path])
    assert ring is not None
    before = ring.primary
    added = key_file.add_next(path)
    path.chmod(0o644)
    assert set(ring.keys) == {before}
    path.chmod(0o600)
    assert set(ring.keys) == {before, added}


def test_a_file_that_is_read_when_needed_fails_until_it_can_be_used(tmp_path: Path) -> None:
    assert followed_when_needed([]) is None
    path = tmp_path / "keys.json"
    ring = followed_when_needed([path])
    assert ring is not None
    assert repr(ring) == "LiveKeyring(primary=None)"
    for _ in range(2):
        with pytest.raises(KeyringUnusable, match=r"keys\.json: cannot be read"):
            Cipher(ring, "notify").seal(OPTION, "x")
    first = generate(path)
    sealed = Cipher(ring, "notify").seal(OPTION, "x")
    path.unlink()
    assert Cipher(ring, "notify").open(OPTION, sealed) == "x"
    assert ring.primary == first.primary


def test_a_link_that_leads_to_other_files_is_followed(tmp_path: Path) -> None:
    """Kubernetes changes a mounted secret so."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        generate(tmp_path / name / "keys.json")
    (tmp_path / "now").symlink_to("one")
    ring = followed([tmp_path / "now" / "keys.json"])
    assert ring is not None
    first = ring.primary
    (tmp_path / "then").symlink_to("two")
    (tmp_path / "then").replace(tmp_path / "now")
    assert ring.primary != first


def test_a_changed_file_stays_its_owners_alone_and_no_draft_is_left(path: Path) -> None:
    former = os.umask(0)
    try:
        key_id = key_file.add_next(path)
        key_file.promote(path, key_id)
    finally:
        os.umask(former)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_adding_is_done_once_until_the_key_is_promoted(path: Path) -> None:
    first = key_file.add_next(path)
    assert key_file.add_next(path) == first
    key_file.promote(path, first)
    key_file.promote(path, first)
    assert read(path).next == ""
    assert key_file.add_next(path) != first


def test_a_write_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(KeyringUnusable, match="cannot be written: No space left on device"):
        key_file.add_next(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_key_that_seals_and_one_that_is_not_there_cannot_be_removed(path: Path) -> None:
    with pytest.raises(KeyringUnusable, match="seals with the key"):
        key_file.remove(path, read(path).primary)
    for change in (key_file.remove, key_file.promote):
        with pytest.raises(KeyringUnusable, match="does not hold the key nokey"):
            change(path, "nokey")


def test_a_next_key_that_is_not_among_the_keys_is_malformed(path: Path) -> None:
    path.write_text(path.read_text().replace('"primary"', '"next": "x", "primary"'))
    with pytest.raises(KeyringUnusable, match="is not a key ring"):
        read(path)
