"""Sealing everything with another key: values, history and plain keys, at once with changes, and repeated."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import redis

from settings_store.cipher import Cipher, key_id_of, mark_of
from settings_store.errors import MissingKey
from settings_store.keyring import Keyring
from settings_store.sealed_places import History, Options, SealedKeys
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore

SECRET = "primary_email.client_secret"
OTHER = "secondary_email.client_secret"
OLD = Keyring("old", {"old": b"o" * 32})
BOTH = Keyring("new", {"new": b"n" * 32, "old": b"o" * 32})
NEW = Keyring("new", {"new": b"n" * 32})


@pytest.fixture
def old_store(any_redis: redis.Redis) -> SettingsStore:
    """Options whose secrets the old key sealed, over three revisions."""
    store = SettingsStore(any_redis, keyring=OLD)
    store.change({SECRET: "first", "primary_email.server_name": 'a"\\ü'}, author="anna", reason="enc:v1:x:y")
    store.change({SECRET: "second"}, author="anna")
    store.change({OTHER: "third"}, author="anna")
    return store


def places(client: redis.Redis) -> tuple[Options, History]:
    return Options(client, "notify"), History(client, "notify")


def without_seals(client: redis.Redis) -> list[Any]:
    """Everything that is stored, with a sign where a sealed value stands."""

    def plain(value: Any) -> Any:
        match value:
            case dict():
                return {key: plain(each) for key, each in value.items()}
            case list():
                return [plain(each) for each in value]
            case str():
                return "sealed" if key_id_of(value) else value
        return value

    stored = client.hgetall("notify:settings")
    rows = client.lrange("notify:settings:history", 0, -1)
    return [
        plain({**stored, "values": json.loads(stored["values"])}),
        [plain(json.loads(row)) for row in rows],
    ]


def test_values_are_counted_by_the_key_that_sealed_them(
    any_redis: redis.Redis, old_store: SettingsStore
) -> None:
    del old_store
    options, history = places(any_redis)
    assert options.count() == {"old": 2}
    assert history.count() == {"old": 4}, "first, first again as what was before second, second, third"


@pytest.mark.usefixtures("old_store")
def test_the_new_key_alone_opens_everything_afterwards_and_nothing_else_is_changed(
    any_redis: redis.Redis,
) -> None:
    before = without_seals(any_redis)
    options, history = places(any_redis)
    cipher = Cipher(BOTH, "notify")
    assert (options.reseal(cipher).done, history.reseal(cipher).done) == (2, 4)
    assert without_seals(any_redis) == before
    assert (options.count(), history.count()) == ({"new": 2}, {"new": 4})
    store = SettingsStore(any_redis, keyring=NEW)
    assert store.snapshot().secret(SECRET)() == "second"
    store.rollback(1, author="anna")
    assert store.snapshot().secret(SECRET)() == "first"


@pytest.mark.usefixtures("old_store")
def test_a_repeat_changes_nothing(any_redis: redis.Redis) -> None:
    cipher = Cipher(BOTH, "notify")
    for place in places(any_redis):
        place.reseal(cipher)
    before = (any_redis.hgetall("notify:settings"), any_redis.lrange("notify:settings:history", 0, -1))
    for place in places(any_redis):
        found = place.reseal(cipher)
        assert (found.done, found.faults) == (0, [])
    assert before == (
        any_redis.hgetall("notify:settings"),
        any_redis.lrange("notify:settings:history", 0, -1),
    )


def test_a_rotation_changes_no_revision_and_no_mark_so_no_server_is_another_one(
    any_redis: redis.Redis, old_store: SettingsStore
) -> None:
    before = old_store.snapshot()
    for place in places(any_redis):
        place.reseal(Cipher(BOTH, "notify"))
    after = old_store.snapshot()
    assert after.revision == before.revision
    assert after.seal(SECRET) != before.seal(SECRET)
    assert after.mark(SECRET) == before.mark(SECRET) != after.mark(OTHER) != ""


def test_resealing_twice_gives_the_very_same_text() -> None:
    sealed = Cipher(OLD, "notify").seal(SECRET, "x")
    first, second = (Cipher(BOTH, "notify").reseal(SECRET, sealed) for _ in range(2))
    assert first == second != sealed
    assert mark_of(first) == mark_of(sealed)
    assert Cipher(NEW, "notify").open(SECRET, first) == "x"


@pytest.mark.usefixtures("old_store")
def test_what_no_key_opens_is_told_by_option_and_key_and_keeps_nothing_else_back(
    any_redis: redis.Redis,
) -> None:
    lost = Keyring("lost", {"lost": b"l" * 32, "old": b"o" * 32})
    SettingsStore(any_redis, keyring=lost).change({SECRET: "fourth"}, author="anna")
    options, history = places(any_redis)
    for place, others in ((options, 1), (history, 5)):
        found = place.reseal(Cipher(BOTH, "notify"))
        assert found.done == others
        (fault,) = found.faults
        assert isinstance(fault, MissingKey)
        assert (fault.option, fault.key_id) == (SECRET, "lost")


@pytest.mark.usefixtures("old_store")
def test_changes_made_at_the_same_moment_are_all_kept(any_redis: redis.Redis) -> None:
    stop = threading.Event()
    saved: list[int] = []

    def change() -> None:
        store = SettingsStore(any_redis, keyring=BOTH)
        while not stop.is_set() and len(saved) < 200:
            port = 1000 + len(saved)
            saved.append(store.change({"primary_email.server_port": port}, author="bert").revision)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        while len(saved) < 5:
            assert writer.is_alive()
        for _ in range(20):
            for place in places(any_redis):
                place.reseal(Cipher(BOTH, "notify"))
    finally:
        stop.set()
        writer.join()
    # Where a change came between each look and its write, as on a busy machine, nothing was sealed anew yet.
    for place in places(any_redis):
        place.reseal(Cipher(BOTH, "notify"))
    store = SettingsStore(any_redis, keyring=NEW)
    assert store.snapshot().get("primary_email.server_port") == 1000 + len(saved) - 1
    assert [row.revision for row in store.history(1000)] == list(range(3 + len(saved), 0, -1))
    assert store.snapshot().secret(SECRET)() == "second"
    options, history = places(any_redis)
    assert (options.count()["old"], history.count()["old"]) == (0, 0)


def test_a_history_longer_than_a_chunk_is_resealed_whole(any_redis: redis.Redis) -> None:
    store = SettingsStore(any_redis, keyring=OLD)
    for number in range(450):
        store.change({SECRET: f"secret {number}"}, author="anna")
    history = History(any_redis, "notify")
    assert history.count() == {"old": 899}
    history.reseal(Cipher(BOTH, "notify"))
    assert history.count() == {"new": 899}
    Options(any_redis, "notify").reseal(Cipher(BOTH, "notify"))
    assert SettingsStore(any_redis, keyring=NEW).at(7).secret(SECRET)() == "secret 6"


def test_plain_keys_are_resealed_and_keep_their_lifetime(any_redis: redis.Redis) -> None:
    old = Cipher(OLD, "notify")
    any_redis.set("notify:token:a", old.seal("token:a", "x"), ex=1000)
    any_redis.set("notify:token:b", Cipher(BOTH, "notify").seal("token:b", "y"))
    any_redis.set("notify:token:c", "not sealed")
    any_redis.set("notify:token:d", old.seal("token:other", "moved"))
    any_redis.set("other:token:a", old.seal("token:a", "theirs"))
    place = SealedKeys(
        any_redis, title="tokens", pattern="notify:token:*", bound_to=lambda key: key.removeprefix("notify:")
    )
    assert place.count() == {"old": 2, "new": 1}
    found = place.reseal(Cipher(BOTH, "notify"))
    assert (found.done, len(found.faults)) == (1, 1)
    assert Cipher(NEW, "notify").open("token:a", str(any_redis.get("notify:token:a"))) == "x"
    assert 0 < int(any_redis.ttl("notify:token:a")) <= 1000
    assert key_id_of(str(any_redis.get("other:token:a"))) == "old"


def test_a_mark_tells_nothing_of_an_option_that_is_not_set() -> None:
    assert Snapshot().mark(SECRET) == ""
