"""`notify keys rotate`, `status` and `remove`: with one file or several, whether or not workers follow."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from settings_store import key_file
from settings_store.keyring import generate, load, read
from settings_store.store import SettingsStore
from tasks.fleet import Fleet, WorkerLife, redis_clock
from tests.rigs.command_line import CommandLine

SECRET = "primary_email.client_secret"
PLAIN = "s3cr3t of the client"


@pytest.fixture
def sealed(notify: CommandLine, key_file: Path) -> str:
    """A secret under the first key; the key's id."""
    assert notify("options", "set", f"{SECRET}=-", "--reason", "x", stdin=PLAIN.encode()).code == 0
    return read(key_file).primary


def opened(client: redis.Redis, *files: Path) -> str:
    return SettingsStore(client, keyring=load(files)).snapshot().secret(SECRET)()


def alive(client: redis.Redis, name: str, *keys: str, has_ring: bool = True) -> None:
    at_ms, _ = redis_clock(client)
    Fleet(client).beat(name, WorkerLife(keys=keys if has_ring else None), at_ms=at_ms)


def test_one_command_makes_a_key_and_seals_everything_with_it(
    notify: CommandLine, key_file: Path, sealed: str, redis_server: redis.Redis
) -> None:
    done = notify("keys", "rotate", "--new-key")
    new = read(key_file).primary
    assert done.code == 0
    assert new != sealed
    assert done.out.splitlines() == [
        f"{new} seals everything from now on",
        "  1 resealed in the options",
        "  1 resealed in the history of the options",
        "  0 resealed in the drafts of server tests",
        "  0 resealed in the drafts of attachment tests",
        "  0 resealed in the tokens of OAuth",
    ]
    assert f"removed\n{sealed}" not in notify("keys", "remove", sealed).out
    assert set(read(key_file).keys) == {new}
    assert opened(redis_server, key_file) == PLAIN
    assert PLAIN not in done.out + done.err
    actions = [row["action"] for row in notify("audit", "list", "--json").json["rows"]]
    assert actions == ["keys.remove", "keys.rotate", "options.change"]


def test_status_says_what_each_key_sealed_and_who_lacks_it(
    notify: CommandLine, key_file: Path, sealed: str, redis_server: redis.Redis
) -> None:
    alive(redis_server, "celery@one", sealed)
    alive(redis_server, "celery@two", "another")
    alive(redis_server, "celery@three", has_ring=False)
    done = notify("keys", "status")
    assert done.out.splitlines() == [
        f"{sealed}  seals",
        "  1 in the options",
        "  1 in the history of the options",
        "  not read by celery@two",
    ]
    assert notify("keys", "status", "--json").json["keys"] == [
        {
            "id": sealed,
            "held": True,
            "seals": True,
            "values": {"options": 1, "history of the options": 1},
            "workers_lacking": ["celery@two"],
        }
    ]
    key_file.unlink()
    generate(key_file)
    lost = notify("keys", "status")
    assert lost.code == 1
    assert f"the key ring here lacks {sealed}" in lost.err


def test_nothing_is_sealed_before_every_worker_has_the_key(
    notify: CommandLine, key_file: Path, sealed: str, redis_server: redis.Redis
) -> None:
    alive(redis_server, "celery@slow", sealed)
    done = notify("keys", "rotate", "--new-key", "--wait", "0.5")
    assert done.code == 1
    assert "is not read by celery@slow" in done.error
    pending = read(key_file)
    assert (pending.primary, len(pending.keys)) == (sealed, 2)
    alive(redis_server, "celery@slow", *pending.keys)
    assert notify("keys", "rotate", "--new-key", "--wait", "0.5").code == 0
    assert read(key_file).primary == pending.next, "the key that was added before is the one"
    assert len(read(key_file).keys) == 2


def test_files_that_are_handed_out_are_rotated_by_their_order(
    notify: CommandLine, key_file: Path, sealed: str, redis_server: redis.Redis, tmp_path: Path
) -> None:
    new = tmp_path / "new.json"
    key_id = generate(new).primary
    notify.env["NOTIFY_KEY_FILE"] = f"{key_file}{os.pathsep}{new}"
    assert notify("keys", "rotate").out.startswith(f"{sealed} seals everything")
    notify.env["NOTIFY_KEY_FILE"] = f"{new}{os.pathsep}{key_file}"
    done = notify("keys", "rotate", "--json").json
    assert (done["primary"], done["left"], done["faults"]) == (key_id, 0, [])
    assert opened(redis_server, new) == PLAIN


def test_a_key_that_still_sealed_something_is_not_removed(
    notify: CommandLine, key_file: Path, sealed: str, tmp_path: Path
) -> None:
    new = tmp_path / "new.json"
    generate(new)
    notify.env["NOTIFY_KEY_FILE"] = f"{new}{os.pathsep}{key_file}"
    done = notify("keys", "remove", sealed)
    assert (done.code, done.error) == (1, f"{sealed}: 2 values are sealed with it")
    assert notify("keys", "remove", "nokey").code == 3


def test_a_value_under_a_lost_key_is_named_and_the_rest_is_sealed(
    notify: CommandLine, key_file: Path, sealed: str, redis_server: redis.Redis
) -> None:
    key_file.unlink()
    generate(key_file)
    other = "secondary_email.client_secret"
    notify("options", "set", f"{other}=-", "--reason", "x", stdin=b"another secret")
    done = notify("keys", "rotate", "--new-key")
    assert done.code == 1
    assert f"{SECRET}: sealed with the key {sealed}, which is not in the key ring" in done.err
    assert notify("keys", "status").out.count("1 in the options") == 2
    store = SettingsStore(redis_server, keyring=load([key_file]))
    assert store.snapshot().secret(other)() == "another secret"


def test_without_a_key_file_the_next_command_is_named(notify: CommandLine) -> None:
    done = notify("keys", "rotate")
    assert (done.code, done.hint) == (2, "`notify keys generate FILE`, then name FILE in NOTIFY_KEY_FILE")
    assert notify("keys", "status").code == 0


def _after_the_key_is_added(path: Path) -> None:
    key_file.add_next(path)


def _after_the_key_seals(path: Path) -> None:
    key_file.promote(path, key_file.add_next(path))


@pytest.mark.parametrize("broken_off", [_after_the_key_is_added, _after_the_key_seals])
def test_a_rotation_that_was_killed_is_finished_by_the_same_command_with_the_same_key(
    notify: CommandLine, redis_server: redis.Redis, tmp_path: Path, broken_off: Callable[[Path], None]
) -> None:
    path = tmp_path / "ring.json"
    generate(path)
    notify.env["NOTIFY_KEY_FILE"] = str(path)
    notify("options", "set", f"{SECRET}=-", "--reason", "x", stdin=PLAIN.encode())
    broken_off(path)
    keys = set(read(path).keys)
    done = notify("keys", "rotate", "--new-key")
    assert done.code == 0
    assert set(read(path).keys) == keys
    assert notify("keys", "rotate").out.count(" 0 resealed") == 5
    assert opened(redis_server, path) == PLAIN


def test_a_wait_that_is_no_number_is_refused(notify: CommandLine) -> None:
    done = notify("keys", "rotate", "--wait", "nan")
    assert (done.code, done.error) == (2, "--wait: is no number of seconds")
