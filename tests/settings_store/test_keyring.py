"""Key ring files: made, read, refused."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings_store.errors import KeyringUnusable
from settings_store.keyring import Keyring, generate, load, read

KEY = base64.b64encode(b"k" * 32).decode()


def written(path: Path, content: object, mode: int = 0o600) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    path.chmod(mode)
    return path


def test_a_generated_file_is_its_owners_alone_and_loads(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    former = os.umask(0)
    try:
        made = generate(path)
    finally:
        os.umask(former)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load([path]) == made
    assert len(made.keys[made.primary]) == 32


def test_two_generated_keys_differ(tmp_path: Path) -> None:
    first, second = generate(tmp_path / "a"), generate(tmp_path / "b")
    assert first.primary != second.primary
    assert first.keys[first.primary] != second.keys[second.primary]


def test_generating_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = generate(path)
    with pytest.raises(KeyringUnusable, match="never overwritten"):
        generate(path)
    assert load([path]) == made


def test_generating_where_nothing_can_be_written_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(KeyringUnusable, match=r"nowhere/keys\.json: cannot be written: No such file"):
        generate(tmp_path / "nowhere" / "keys.json")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o644])
def test_a_file_open_to_others_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    generate(path)
    path.chmod(mode)
    with pytest.raises(KeyringUnusable, match=f"mode {mode:04o}.*chmod 600"):
        load([path])


@pytest.mark.parametrize(
    "owner, group, mode, taken",
    [
        (0, 10001, 0o440, True),  # a secret as Kubernetes mounts it for `fsGroup`
        (0, 10001, 0o640, True),
        (10001, 10001, 0o400, True),
        (0, 10001, 0o460, False),
        (0, 10001, 0o444, False),
        (10001, 10001, 0o440, False),
        (10002, 10001, 0o440, False),
    ],
)
def test_a_file_of_root_may_be_read_by_the_group_that_it_is_handed_to(
    owner: int, group: int, mode: int, *, taken: bool
) -> None:
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("CI must run as root: only root becomes somebody else")
        pytest.skip("needs root, to become somebody else")
    told = ""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "keys.json"
        generate(path)
        os.chown(path, owner, group)
        path.chmod(mode)
        with another_user(10001):
            try:
                read(path)
            except KeyringUnusable as fault:
                told = str(fault)
    assert (told == "") is taken, told
    assert taken or f"(mode {mode:04o}); take them away with chmod 600" in told


@contextlib.contextmanager
def another_user(number: int) -> Iterator[None]:
    """Be somebody with no more rights than a pod's user and group have."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(number)
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def test_no_file_is_no_key_ring() -> None:
    assert load([]) is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyringUnusable, match="absent: cannot be read"):
        load([tmp_path / "absent"])


def test_a_folder_or_a_pipe_is_no_key_ring(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", mode=0o600)
    for name in ("folder", "pipe"):
        with pytest.raises(KeyringUnusable, match=f"{name}: is not a file"):
            load([tmp_path / name])


@pytest.mark.parametrize(
    "content",
    [
        "not json " + KEY,
        [],
        {"primary": "a"},
        {"primary": "a", "keys": {}},
        {"primary": "b", "keys": {"a": KEY}},
        {"primary": "a", "keys": [KEY]},
        {"primary": ["a"], "keys": {"a": KEY}},
        {"primary": "a", "keys": {"a": KEY[:-4]}},
        {"primary": "a", "keys": {"a": KEY + "!"}},
        {"primary": "a", "keys": {"a": 7}},
        {"primary": "a:b", "keys": {"a:b": KEY}},
    ],
    ids=str,
)
def test_a_malformed_file_is_refused_without_a_word_of_its_content(tmp_path: Path, content: object) -> None:
    path = written(tmp_path / "keys.json", content)
    with pytest.raises(KeyringUnusable, match="is not a key ring; it must be") as caught:
        load([path])
    assert KEY[:8] not in f"{caught.value!r}{caught.value.__context__!r}{caught.value.__cause__!r}"


def test_several_files_make_one_ring_and_the_first_one_seals(tmp_path: Path) -> None:
    new, old = generate(tmp_path / "new"), generate(tmp_path / "old")
    assert load([tmp_path / "new", tmp_path / "old"]) == Keyring(new.primary, {**new.keys, **old.keys})


def test_two_keys_under_one_id_are_refused(tmp_path: Path) -> None:
    other = base64.b64encode(b"o" * 32).decode()
    first = written(tmp_path / "first", {"primary": "a", "keys": {"a": KEY}})
    second = written(tmp_path / "second", {"primary": "a", "keys": {"a": other}})
    with pytest.raises(KeyringUnusable, match="second: holds another key under the id a"):
        load([first, second])


def test_a_key_ring_shows_no_key() -> None:
    assert repr(Keyring("a", {"a": b"k" * 32})) == "Keyring(primary='a')"
