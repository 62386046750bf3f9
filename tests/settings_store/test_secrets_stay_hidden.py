"""A planted secret is looked for wherever it could have gone: Redis, its files, errors, logs."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable

import pytest
import redis

from settings_store.audit import Audit
from settings_store.cipher import Cipher
from settings_store.errors import SettingsError
from settings_store.keyring import Keyring
from settings_store.sealed_places import History, Options
from settings_store.store import SettingsStore
from tests.rigs.planted import Planted, everything_in

PASSWORD = "primary_email.authentication_password"
CLIENT_SECRET = "primary_email.client_secret"


@pytest.mark.parametrize(
    "hide",
    [
        lambda secret: f"...{secret}...",
        lambda secret: json.dumps({"a": secret}),
        repr,
        urllib.parse.quote,
        lambda secret: secret.encode().hex(),
        ValueError,
        lambda secret: {"a": [secret]},
        lambda secret: secret.encode(),
        *(
            lambda secret, offset=offset: base64.b64encode(b"x" * offset + secret.encode() + b"yz").decode()
            for offset in range(3)
        ),
    ],
)
def test_the_look_itself_would_find_it(hide: Callable[[str], object]) -> None:
    planted = Planted()
    secret = planted.secret("password")
    planted.look("nothing of it", hide("another"))
    with pytest.raises(AssertionError, match="holds a planted secret"):
        planted.look(hide(secret))


def test_the_look_itself_goes_through_every_value_of_redis(any_redis: redis.Redis) -> None:
    planted = Planted()
    secret = planted.secret("password")
    planted.in_redis(any_redis)
    planted.look_everywhere()
    any_redis.set("string", secret)
    any_redis.hset("hash", "field", secret)
    any_redis.rpush("list", secret)
    any_redis.sadd("set", secret)
    any_redis.zadd("zset", {secret: 1})
    any_redis.xadd("stream", {"field": secret})
    any_redis.set(secret, "in the name of a key")
    found = list(everything_in(any_redis))
    assert len(found) == 7
    for each in found:
        with pytest.raises(AssertionError, match="holds a planted secret"):
            planted.look(each)
    any_redis.flushall()


def test_a_secret_is_found_nowhere_but_in_its_opener(
    any_redis: redis.Redis, keyring: Keyring, planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    planted.in_redis(any_redis)
    secret = planted.secret("password")
    for key in keyring.keys.values():
        planted.plant(key.hex())
        planted.plant(base64.b64encode(key).decode())
    store = SettingsStore(any_redis, keyring=keyring)
    pasted = store.cipher.seal_for_pasting(secret)
    planted.look(pasted, store.change({PASSWORD: pasted}, author="anna", dry_run=True))
    planted.look(store.change({PASSWORD: pasted, CLIENT_SECRET: secret}, author="anna"))
    planted.look(store.change({"mirror.email": True, PASSWORD: ""}, author="anna"))
    planted.look(store.rollback(1, author="anna"))
    snapshot = store.snapshot()
    opener = snapshot.secret(CLIENT_SECRET)
    assert opener() == secret
    planted.look(snapshot, snapshot.stored, opener, store, store.cipher, keyring, store.changed())
    planted.look(snapshot.get(PASSWORD), snapshot.seal(CLIENT_SECRET), snapshot.mark(CLIENT_SECRET))
    planted.look(*((row, row.changes, row.shown, row.line) for row in store.history()))
    planted.look(*Audit(any_redis).rows())
    new = Keyring("new", {"new": b"n" * 32, **keyring.keys})
    for place in (Options(any_redis, "notify"), History(any_redis, "notify")):
        planted.look(place.reseal(Cipher(new, "notify")), place.count())
    assert "settings_changed" in caplog.text
    assert set(any_redis.keys("*")) == {"notify:settings", "notify:settings:history", "notify:audit"}


def refused(store: SettingsStore, values: dict[str, object]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        store.change(values, author="anna")
    return caught.value


def test_no_error_holds_the_secret_that_caused_it(
    redis_server: redis.Redis, keyring: Keyring, planted: Planted
) -> None:
    planted.in_redis(redis_server)
    secret = planted.secret("password")
    store = SettingsStore(redis_server, keyring=keyring)
    keyless = SettingsStore(redis_server)
    stranger = SettingsStore(redis_server, keyring=Keyring("z", {"z": b"\x01" * 32}))
    imposter = SettingsStore(redis_server, keyring=Keyring(keyring.primary, {keyring.primary: b"\x01" * 32}))
    pasted = store.cipher.seal_for_pasting(secret)
    planted.look(
        refused(store, {PASSWORD: secret}),
        refused(store, {PASSWORD: secret, "primary_email.server_port": secret, "x.y": secret}),
        refused(store, {CLIENT_SECRET: f"{secret}\n"}),
        refused(store, {CLIENT_SECRET: secret * 400}),
        refused(store, {CLIENT_SECRET: f"enc:v1:k:{secret}"}),
        refused(store, {CLIENT_SECRET: f"{secret}\ud800"}),
        refused(store, {"general.unc_password": f"{secret}'"}),
        refused(store, {"primary_email.tenant_id": secret}),
        refused(store, {"primary_email.enable_ssl": secret}),
        refused(store, {"text.delimiter": secret}),
        refused(store, {"secret_expiry.primary_email_client_secret": secret}),
        refused(keyless, {CLIENT_SECRET: secret}),
        refused(stranger, {PASSWORD: pasted}),
        refused(imposter, {PASSWORD: pasted}),
    )
