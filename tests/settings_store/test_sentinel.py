"""One address for a Redis behind Sentinels, and what is made of it for each client."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from settings_store.environment import InvalidEnvironment, load
from settings_store.sentinel import UnusableSentinel, is_sentinel, parse

URL = "sentinel://app:p%40s%2Fs@s1:26379,s2,[::1]:5/3?service=ledger&sentinel_password=q%26r"


def test_one_address_says_it_all() -> None:
    found = parse(URL)
    assert found.hosts == (("s1", 26_379), ("s2", 26_379), ("::1", 5))
    assert (found.service, found.database, found.tls) == ("ledger", 3, ())
    assert (found.username, found.password) == ("app", "p@s/s")
    assert (found.sentinel_username, found.sentinel_password) == ("", "q&r")
    assert "p@s/s" not in repr(found)
    assert "q&r" not in repr(found)


def test_a_plus_in_a_password_is_a_plus_wherever_it_stands() -> None:
    found = parse("sentinel://:a+b%20c@s1/0?service=x&sentinel_password=d+e%2Bf%20g")
    assert (found.password, found.sentinel_password) == ("a+b c", "d+e+f g")


def test_kombu_and_celery_get_an_address_for_each_sentinel_and_the_rest_as_options() -> None:
    found = parse(URL)
    assert found.kombu_url().split(";") == [
        "sentinel://app:p%40s%2Fs@s1:26379/3",
        "sentinel://app:p%40s%2Fs@s2:26379/3",
        "sentinel://app:p%40s%2Fs@[::1]:5/3",
    ]
    options = found.kombu_options()
    assert options["master_name"] == "ledger"
    assert options["sentinel_kwargs"]["password"] == "q&r"
    assert parse("sentinel://s/?service=x").kombu_url() == "sentinel://s:26379/0"


def test_over_tls_sentinels_and_redis_are_verified(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(file)
    given = {"NOTIFY_REDIS_URL": "sentinels://:pw@s1,s2/0?service=x", "NOTIFY_REDIS_CA_FILE": str(file)}
    loaded = load(given)
    assert loaded.redis_url == loaded.broker_url
    found = parse(loaded.redis_url)
    assert dict(found.tls) == {"ssl_cert_reqs": "required", "ssl_ca_certs": str(file)}
    assert found.sentinel_options()["ssl_ca_certs"] == str(file)
    assert found.primary().connection_pool.connection_kwargs["ssl_cert_reqs"] == "required"
    with pytest.raises(InvalidEnvironment, match="ssl_cert_reqs must be required"):
        load({"NOTIFY_REDIS_URL": "sentinels://s1/0?service=x&ssl_cert_reqs=none"})


def test_a_client_of_ours_ends_within_its_time_and_asks_each_sentinel_once() -> None:
    options = parse(URL).sentinel_options()
    assert options["retry"].get_retries() == 0
    assert options["socket_connect_timeout"] <= 1


@pytest.mark.parametrize(
    "url, fault",
    [
        ("sentinel://:secret@s1,s2/0", "names no service"),
        ("sentinel://:secret@s1,s2/0?service=", "names no service"),
        ("sentinel://:secret@s1,s 2/0?service=x", "names a Sentinel that is no HOST:PORT"),
        ("sentinel://:secret@s1,/0?service=x", "names a Sentinel that is no HOST:PORT"),
        ("sentinel://:secret@s1:70000/0?service=x", "names a Sentinel that is no HOST:PORT"),
        ("sentinel://:secret@s1:0/0?service=x", "names a Sentinel that is no HOST:PORT"),
        ("sentinel:///0?service=x", "names a Sentinel that is no HOST:PORT"),
        ("sentinel://:secret@s1/one?service=x", "has a database that is no number"),
        ("sentinel://:secret@s1/0?service=x&sentinel_pasword=secret", "has a word after the question mark"),
        ("sentinel://:secret@[::1/0?service=x", "cannot be read"),
        ("sentinel://s1;sentinel://s2", "names no service"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_password(url: str, fault: str) -> None:
    with pytest.raises(UnusableSentinel, match=fault) as caught:
        parse(url)
    assert "secret" not in str(caught.value)
    assert "allowed: sentinel://" in str(caught.value)
    for name in ("NOTIFY_REDIS_URL", "NOTIFY_BROKER_URL"):
        with pytest.raises(InvalidEnvironment, match=f"{name}: {fault}"):
            load({"NOTIFY_REDIS_URL": "redis://r", name: url})


def test_only_its_own_schemes_are_sentinels() -> None:
    assert [is_sentinel(url) for url in ("sentinel://x", "sentinels://x", "redis://x", "")] == [
        True,
        True,
        False,
        False,
    ]
