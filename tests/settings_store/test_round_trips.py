"""Whatever is set comes back: by reading, by rolling back, and by export and import."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import pytest
import redis
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from settings_store.catalog import ALL_OPTIONS, GROUPS, OPTIONS, selected
from settings_store.keyring import Keyring
from settings_store.kinds import MASK, SEALED, Secret, Value
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from settings_store.transfer.export import exported
from settings_store.transfer.file import read_options
from tests.rigs.option_values import values_of

KEYRING = Keyring("k", {"k": b"\x07" * 32})
Values = dict[str, Value]
MakeStore = Callable[[], SettingsStore]

_settings = st.lists(
    st.sampled_from(list(ALL_OPTIONS.values())).flatmap(
        lambda option: st.tuples(st.just(option.key), values_of(option))
    ),
    max_size=6,
).map(dict)
_names = st.lists(st.sampled_from([*ALL_OPTIONS, *GROUPS, "all"]), min_size=1, max_size=3)
_steps = st.lists(st.one_of(_settings, _names), max_size=6)


@pytest.fixture(scope="module")
def make_store(valkey_url: str) -> MakeStore:
    """Empty installations, as many as are asked for, on one server."""
    client: redis.Redis = connect(valkey_url)
    client.flushall()
    numbers = itertools.count()
    return lambda: SettingsStore(client, prefix=f"n{next(numbers)}", keyring=KEYRING)


def typed(store: SettingsStore, values: Values) -> dict[str, object]:
    """The values as a person gives them: encrypted passwords sealed."""
    given_values: dict[str, object] = dict(values)
    for key, value in values.items():
        kind = ALL_OPTIONS[key].kind
        if isinstance(kind, Secret):
            assume(value != MASK and not SEALED.match(str(value).strip()))
            if value and kind.encrypted_only:
                given_values[key] = store.cipher.seal_for_pasting(str(value))
    return given_values


def held(store: SettingsStore) -> Values:
    """Every option's own value, secrets opened."""
    snapshot = store.snapshot()
    return {
        key: store.cipher.open(key, str(snapshot.own(key)))
        if option.secret and snapshot.own(key)
        else snapshot.own(key)
        for key, option in ALL_OPTIONS.items()
    }


@given(steps=_steps, data=st.data())
@settings(max_examples=60)
def test_what_was_set_holds_and_every_revision_comes_back_whole(
    make_store: MakeStore, steps: list[Values | list[str]], data: st.DataObject
) -> None:
    store = make_store()
    model: Values = {key: option.default for key, option in ALL_OPTIONS.items()}
    reached = {0: (dict(model), dict(store.snapshot().stored))}
    for step in steps:
        if isinstance(step, dict):
            change = store.change(typed(store, step), author="a")
            model |= step
        else:
            change = store.reset(step, author="a")
            model |= {key: ALL_OPTIONS[key].default for name in step for key in selected(name)}
        reached[change.revision] = (dict(model), dict(store.snapshot().stored))
        assert held(store) == model
    revision = data.draw(st.sampled_from(sorted(reached)))
    dry = store.rollback(revision, author="b", dry_run=True)
    done = store.rollback(revision, author="b")
    assert done.changes == dry.changes
    assert held(store) == reached[revision][0]
    assert dict(store.snapshot().stored) == reached[revision][1], "secrets keep their seals"
    assert not store.rollback(revision, author="b").saved


@given(there=_settings, here=_settings)
@settings(max_examples=60)
def test_an_export_that_is_imported_makes_the_options_the_same_but_for_secrets(
    make_store: MakeStore, there: Values, here: Values
) -> None:
    source, target = make_store(), make_store()
    source.change(typed(source, there), author="a")
    target.change(typed(target, here), author="a")
    before = held(target)
    document = exported(source.snapshot())
    content = json.dumps(document).encode()
    reading = read_options(content, target.snapshot())
    target.change(reading.values, author="b")
    after, wanted = held(target), held(source)
    for key, option in ALL_OPTIONS.items():
        assert after[key] == (before if option.secret else wanted)[key]
    assert exported(target.snapshot())["values"] == document["values"]
    missing = [key for key, option in ALL_OPTIONS.items() if option.secret and wanted[key] and not after[key]]
    assert [(note.name, note.topic) for note in reading.notes] == [(key, "secret") for key in missing]
    assert not target.change(read_options(content, target.snapshot()).values, author="b").saved


@given(values=_settings)
@settings(max_examples=30)
def test_an_export_imported_where_it_came_from_changes_nothing(make_store: MakeStore, values: Values) -> None:
    store = make_store()
    revision = store.change(typed(store, values), author="a").revision
    reading = read_options(json.dumps(exported(store.snapshot())).encode(), store.snapshot())
    assert reading.notes == []
    change = store.change(reading.values, author="a", expected_revision=revision)
    assert (change.saved, change.revision) == (False, revision)


_PAIRS = {
    key: key.replace("secondary", "primary")
    for key in OPTIONS
    if key.startswith(("secondary_email.", "secondary_sms."))
}


def seen(store: SettingsStore, key: str) -> tuple[Value, str]:
    """What holds for an option, and the secret that opens for it."""
    snapshot = store.snapshot()
    return snapshot.get(key), snapshot.secret(key)() if ALL_OPTIONS[key].secret else ""


@given(before=_settings, during=_settings, cleared=_names)
@settings(max_examples=40)
def test_while_the_mirrors_are_on_the_secondaries_are_their_primaries_whatever_is_set_or_cleared(
    make_store: MakeStore, before: Values, during: Values, cleared: list[str]
) -> None:
    store = make_store()
    flags = {"mirror.email": True, "mirror.sms": True}
    store.change(typed(store, before), author="a")
    store.change(flags, author="a")
    for _ in range(2):
        assert {key: seen(store, key) for key in _PAIRS} == {
            key: seen(store, primary) for key, primary in _PAIRS.items()
        }
        store.change(typed(store, {**during, **flags}), author="a")
    store.reset([name for name in cleared if name != "all" and "mirror" not in name], author="a")
    assert {key: seen(store, key) for key in _PAIRS} == {
        key: seen(store, primary) for key, primary in _PAIRS.items()
    }
    own = {key: held(store)[key] for key in _PAIRS}
    store.reset(["mirror"], author="a")
    for key in _PAIRS:
        value, secret = seen(store, key)
        assert (secret if ALL_OPTIONS[key].secret else value) == own[key]
