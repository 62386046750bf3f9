"""Any value at any option: refused by name, fault and what is allowed, or kept, read back and worked with."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from console.doctor.facts import Facts
from console.doctor.option_rules import option_findings
from settings_store.catalog import ALL_OPTIONS, OPTIONS
from settings_store.cautions import cautions
from settings_store.errors import InvalidOption, SecretFault, UnreadableOptions
from settings_store.keyring import Keyring
from settings_store.kinds import MASK, Secret
from settings_store.store import SettingsStore
from settings_store.transfer.export import exported
from settings_store.transfer.file import read_options
from tasks.delivery.options import text_options
from tasks.routing import route, servers_in_use
from tests.rigs.command_line import CommandLine
from tests.rigs.delivery_bench import Bench
from tests.rigs.examples import examples
from tests.rigs.odd_values import json_values, odd_texts

KEYRING = Keyring("k", {"k": b"\x07" * 32})
options = st.sampled_from(list(ALL_OPTIONS.values()))
values: st.SearchStrategy[Any] = odd_texts | json_values
#: Those of the page, each of which must take or refuse each odd text.
PAGE = list(OPTIONS)


def set_or_refused(store: SettingsStore, key: str, value: Any) -> bool:
    """Whether it was taken; a refusal must say all that it has to."""
    try:
        store.change({key: value}, author="test")
    except (InvalidOption, SecretFault) as caught:
        refusal = caught
    else:
        return True
    if isinstance(refusal, SecretFault):
        assert key in str(refusal)
    else:
        (fault,) = map(str, refusal.faults)
        assert fault.startswith(f"{key}: ")
        assert "; allowed: " in fault
        assert fault.isprintable()
    return False


def works(store: SettingsStore) -> None:
    """What every process does with the options that hold."""
    snapshot = store.snapshot()
    for channel in ("email", "text"):
        assert bool(route(snapshot, channel).chain) is (route(snapshot, channel).held is None)
    assert len(servers_in_use(snapshot)) <= 4
    assert all(sentence.isprintable() for sentence in cautions(snapshot))
    assert text_options(snapshot).delimiter
    list(option_findings(Facts(now_ms=0, snapshot=snapshot)))


@pytest.fixture
def store(redis_server: redis.Redis) -> SettingsStore:
    return SettingsStore(redis_server, keyring=KEYRING)


@examples(120)
@given(option=options, value=values)
def test_what_is_taken_is_read_back_and_worked_with(store: SettingsStore, option: Any, value: Any) -> None:
    if not set_or_refused(store, option.key, value):
        return
    own = store.snapshot().own(option.key)
    if isinstance(option.kind, Secret):
        assert own == "" or store.cipher.open(option.key, str(own)) is not None
        assert own == "" or str(value) not in str(own) or not str(value).strip()
    else:
        assert own == option.parse(value)
        assert set_or_refused(store, option.key, own)
    works(store)
    # By the file, into an installation that has something else.
    document = json.dumps(exported(store.snapshot()))
    assert MASK not in document
    read = read_options(document.encode(), store.snapshot()).values
    assert all(store.snapshot().own(key) == kept for key, kept in read.items())
    store.reset(["all"], author="test")


@examples(30)
@given(key=st.sampled_from([key for key in PAGE if not ALL_OPTIONS[key].secret]), typed=odd_texts)
def test_what_is_typed_is_what_is_shown(
    notify: CommandLine, store: SettingsStore, key: str, typed: str
) -> None:
    done = notify("options", "set", f"{key}={typed}", "--reason", "x")
    if done.code:
        assert done.code == 2, done
        assert done.error.startswith(f"{key}: "), done
        return
    shown = notify("options", "get", key, "--json").json[key]
    assert shown == store.snapshot().own(key) == ALL_OPTIONS[key].parse(typed)
    notify("options", "reset", "all", "--reason", "x")


@examples(10)
@given(
    texts=st.fixed_dictionaries(
        dict.fromkeys(("server_name", "notification_address", "authentication_user"), odd_texts)
    ),
    port=st.sampled_from([1, 25, 465]),
    tls=st.booleans(),
)
def test_no_pass_fails_over_a_server_that_makes_no_sense(
    redis_server: redis.Redis, texts: dict[str, str], port: int, *, tls: bool
) -> None:
    redis_server.flushall()
    bench = Bench(redis_server, KEYRING)
    try:
        bench.set(timeouts__connect_seconds=1)
        for name, value in {**texts, "server_port": port, "enable_ssl": tls}.items():
            set_or_refused(bench.store, f"primary_email.{name}", value)
        bench.accept_email()
        assert bench.deliver().state in {"waiting", "held"}
        assert all(entry["reason"] for entry in bench.timeline() if entry["verdict"] != "accepted")
    finally:
        bench.close()


TABLES = st.lists(
    st.tuples(odd_texts | st.sampled_from([*ALL_OPTIONS, "SMTP Server Port (Primary Email)"]), values)
)


@examples(60)
@given(
    content=st.binary(max_size=60)
    | TABLES.map(
        lambda rows: "\n".join(f"{name}\t{value}" for name, value in rows).encode("utf-8", "surrogatepass")
    )
    | json_values.map(lambda value: json.dumps(value).encode())
    | TABLES.map(
        lambda rows: json.dumps(
            {"format": "notify-options", "version": 1, "values": dict(rows), "secrets_set": []}
        ).encode()
    )
    | TABLES.map(lambda rows: json.dumps(dict(rows)).encode())
)
def test_a_file_of_anything_is_read_or_refused_and_saved_only_as_far_as_it_fits(
    store: SettingsStore, content: bytes
) -> None:
    before = store.snapshot()
    told = ""
    try:
        reading = read_options(content, before)
    except UnreadableOptions as refusal:
        told = str(refusal)
    if told:
        assert "; allowed: " in told
        assert told.isprintable()
        return
    for key, value in reading.values.items():
        set_or_refused(store, key, value)
    works(store)
    store.reset(["all"], author="test")
