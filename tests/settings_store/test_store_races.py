"""Writers at the same moment, replies that are lost, and the history as the truth about the values."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from settings_store.catalog import ALL_OPTIONS
from settings_store.errors import StaleRevision
from settings_store.history import replay, rewind
from settings_store.keyring import Keyring
from settings_store.store import SettingsStore
from tests.rigs.forgetful_redis import ForgetfulConnection, another_client, forgetful_client

PORT = "primary_email.server_port"
HOST = "primary_email.server_name"
WRITERS = 8


def test_of_two_writers_from_one_revision_one_wins_and_the_other_is_told(any_redis: redis.Redis) -> None:
    store = SettingsStore(any_redis)
    for turn in range(10):
        start = threading.Barrier(2)
        made_from = store.snapshot().revision

        def save(
            author: str, *, port: int, made_from: int = made_from, start: threading.Barrier = start
        ) -> str:
            start.wait(timeout=10)
            try:
                store.change({PORT: port}, author=author, expected_revision=made_from)
            except StaleRevision as stale:
                return f"{stale.between[0].split()[2]} {stale.expected} {stale.actual}"
            return f"{author} {made_from} {made_from + 1}"

        with ThreadPoolExecutor(2) as pool:
            anna = pool.submit(save, "anna", port=1000 + turn)
            bert = pool.submit(save, "bert", port=2000 + turn)
            told = {anna.result(), bert.result()}
        assert len(told) == 1, "both must name the same winner and the same revisions"
        assert store.snapshot().revision == made_from + 1
        assert store.snapshot().get(PORT) == (1000 if told.pop().startswith("anna") else 2000) + turn


def test_writers_who_expect_nothing_all_get_through(any_redis: redis.Redis) -> None:
    keys = [key for key, option in ALL_OPTIONS.items() if option.key.endswith("server_port")] * 2
    start = threading.Barrier(WRITERS)

    def save(number: int) -> int:
        client = another_client(any_redis)
        start.wait(timeout=10)
        change = SettingsStore(client).change({keys[number]: 3000 + number}, author=f"writer{number}")
        client.close()
        return change.revision

    with ThreadPoolExecutor(WRITERS) as pool:
        revisions = list(pool.map(save, range(WRITERS)))
    store = SettingsStore(any_redis)
    assert sorted(revisions) == list(range(1, WRITERS + 1))
    assert replay(reversed(store.history(100))) == store.snapshot().stored


@pytest.fixture
def forgetful(any_redis: redis.Redis) -> redis.Redis:
    client = forgetful_client(any_redis)
    # The script is known to the server already: the loss must hit the saving, not the loading.
    SettingsStore(client).change({HOST: "mail"}, author="anna")
    return client


@pytest.mark.parametrize("expected_revision", [None, 1])
def test_a_lost_reply_that_the_client_asks_for_again_is_one_revision_and_a_success(
    forgetful: redis.Redis, monkeypatch: pytest.MonkeyPatch, expected_revision: int | None
) -> None:
    store = SettingsStore(forgetful)
    monkeypatch.setattr(ForgetfulConnection, "losses_left", 1)
    change = store.change({PORT: 587}, author="anna", expected_revision=expected_revision)
    assert ForgetfulConnection.losses_left == 0, "the reply must have been lost"
    assert (change.revision, change.saved) == (2, True)
    assert [row.revision for row in store.history()] == [2, 1]


@pytest.mark.parametrize("expected_revision", [None, 1])
def test_a_change_whose_replies_were_all_lost_may_be_repeated(
    forgetful: redis.Redis, monkeypatch: pytest.MonkeyPatch, expected_revision: int | None
) -> None:
    store = SettingsStore(forgetful)
    monkeypatch.setattr(ForgetfulConnection, "losses_left", 100)
    with pytest.raises(redis.ConnectionError):
        store.change({PORT: 587}, author="anna", expected_revision=expected_revision)
    monkeypatch.setattr(ForgetfulConnection, "losses_left", 0)
    again = store.change({PORT: 587}, author="anna", expected_revision=expected_revision)
    assert (again.revision, again.saved) == (2, False)
    assert [row.revision for row in store.history()] == [2, 1]


def test_after_1000_random_changes_the_values_are_the_replay_of_the_history(
    any_redis: redis.Redis, keyring: Keyring
) -> None:
    store = SettingsStore(any_redis, keyring=keyring)
    chance = random.Random(20)
    choices: dict[str, list[object]] = {
        PORT: [25, 465, 587],
        HOST: ["", "a.example", "ü.example"],
        "primary_email.notification_address": ["", "noreply@mycorp.com", 'q"\\/@x'],
        "primary_email.client_secret": ["", "one", "two"],
        "secondary_sms.enable_ssl": [True, False],
        "mirror.email": [True, False],
        "text.delimiter": ["|", "~", "^"],
        "general.jors_attachment_timeout": [60, 120, 3600],
    }
    model: dict[str, object] = {key: ALL_OPTIONS[key].default for key in choices}
    reached = {0: dict(store.snapshot().stored)}
    for _ in range(1000):
        keys = chance.sample(sorted(choices), chance.randint(1, 3))
        if chance.random() < 0.05:
            store.reset(keys, author="anna")
            model.update({key: ALL_OPTIONS[key].default for key in keys})
        else:
            news = {key: chance.choice(choices[key]) for key in keys}
            store.change(news, author="anna")
            model.update(news)
        snapshot = store.snapshot()
        reached[snapshot.revision] = dict(snapshot.stored)
    rows = store.history(2000)
    assert [row.revision for row in rows] == list(range(len(rows), 0, -1))
    assert len(rows) > 500
    assert replay(reversed(rows)) == snapshot.stored
    assert rewind(snapshot.stored, rows) == {}
    for revision in chance.sample(sorted(reached), 20):
        assert store.at(revision).stored == reached[revision]
    secret = model.pop("primary_email.client_secret")
    assert snapshot.secret("primary_email.client_secret")() == secret
    assert {key: snapshot.get(key) for key in model} == model
