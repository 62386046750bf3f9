"""A planted secret is looked for wherever it could have gone: Redis, its files, errors, logs."""

from __future__ import annotations

import base64
import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from settings_store.audit import Audit
from settings_store.errors import SettingsError
from settings_store.keyring import Keyring
from settings_store.store import SettingsStore

PLANTED = "Pl4nted-%r-{0}-Geheimnis"
PASSWORD = "primary_email.authentication_password"
CLIENT_SECRET = "primary_email.client_secret"


def forms(secret: str) -> Iterator[str]:
    """The secret as plain text and as base64 at each of the three offsets."""
    yield secret
    for offset in range(3):
        yield base64.b64encode(b"\0" * offset + secret.encode()).decode()[4 * bool(offset) :].rstrip("=")[:-2]


def assert_hidden(where: str, secret: str = PLANTED) -> None:
    for form in forms(secret):
        assert form not in where


def test_the_look_itself_would_find_it() -> None:
    for offset in range(3):
        with pytest.raises(AssertionError):
            assert_hidden(base64.b64encode(b"x" * offset + PLANTED.encode() + b"yz").decode())
    with pytest.raises(AssertionError):
        assert_hidden(f"...{PLANTED}...")


def test_a_secret_is_found_nowhere_but_in_its_opener(
    any_redis: redis.Redis, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = SettingsStore(any_redis, keyring=keyring)
    pasted = store.cipher.seal_for_pasting(PLANTED)
    seen: list[object] = [pasted, store.change({PASSWORD: pasted}, author="anna", dry_run=True)]
    seen.append(store.change({PASSWORD: pasted, CLIENT_SECRET: PLANTED}, author="anna"))
    seen.append(store.change({"mirror.email": True, PASSWORD: ""}, author="anna"))
    seen.append(store.rollback(1, author="anna"))
    snapshot = store.snapshot()
    opener = snapshot.secret(CLIENT_SECRET)
    assert opener() == PLANTED
    seen += [snapshot, snapshot.stored, opener, store, store.cipher, keyring, store.changed()]
    seen += [snapshot.get(PASSWORD), snapshot.seal(CLIENT_SECRET)]
    seen += [(row, row.changes, row.shown, row.line) for row in store.history()]
    assert_hidden("".join(f"{each!r}{each!s}" for each in seen))
    assert_hidden(caplog.text + "".join(str(vars(record)) for record in caplog.records))
    assert "settings_changed" in caplog.text
    everything: list[object] = [
        any_redis.hgetall("notify:settings"),
        any_redis.lrange("notify:settings:history", 0, -1),
    ]
    everything += [any_redis.xrange("notify:audit"), list(Audit(any_redis).rows())]
    assert set(any_redis.keys("*")) == {"notify:settings", "notify:settings:history", "notify:audit"}
    assert_hidden(str(everything))
    any_redis.config_set("appendfsync", "always")  # what was written before goes to disk with the next write
    any_redis.set("written", "1")
    any_redis.config_set("appendfsync", "everysec")
    files = [path for path in Path(str(any_redis.config_get("dir")["dir"])).rglob("*") if path.is_file()]
    on_disk = b"".join(path.read_bytes() for path in files)
    assert b"notify:settings" in on_disk, "the append-only file must have been looked at"
    assert PLANTED.encode() not in on_disk
    for key in keyring.keys.values():
        assert key not in on_disk
        assert base64.b64encode(key) not in on_disk


def refused(store: SettingsStore, values: dict[str, object]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        store.change(values, author="anna")
    return caught.value


def test_no_error_holds_the_secret_that_caused_it(redis_server: redis.Redis, keyring: Keyring) -> None:
    store = SettingsStore(redis_server, keyring=keyring)
    keyless = SettingsStore(redis_server)
    stranger = SettingsStore(redis_server, keyring=Keyring("z", {"z": b"\x01" * 32}))
    imposter = SettingsStore(redis_server, keyring=Keyring(keyring.primary, {keyring.primary: b"\x01" * 32}))
    pasted = store.cipher.seal_for_pasting(PLANTED)
    errors = [
        refused(store, {PASSWORD: PLANTED}),
        refused(store, {PASSWORD: PLANTED, "primary_email.server_port": PLANTED, "x.y": PLANTED}),
        refused(store, {CLIENT_SECRET: f"{PLANTED}\n"}),
        refused(store, {CLIENT_SECRET: PLANTED * 400}),
        refused(store, {CLIENT_SECRET: f"enc:v1:k:{PLANTED}"}),
        refused(store, {CLIENT_SECRET: f"{PLANTED}\ud800"}),
        refused(store, {"general.unc_password": f"{PLANTED}'"}),
        refused(store, {"primary_email.tenant_id": PLANTED}),
        refused(store, {"primary_email.enable_ssl": PLANTED}),
        refused(store, {"text.delimiter": PLANTED}),
        refused(keyless, {CLIENT_SECRET: PLANTED}),
        refused(stranger, {PASSWORD: pasted}),
        refused(imposter, {PASSWORD: pasted}),
    ]
    for error in errors:
        assert_hidden("".join(traceback.format_exception(error)))
        link: BaseException | None = error
        while link is not None:
            assert_hidden(f"{link!r}{link!s}{vars(link)}")
            assert_hidden(repr(pickle.loads(pickle.dumps(link)).args))
            link = link.__cause__ or link.__context__
