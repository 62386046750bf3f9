"""Addresses from files, because a URL may hold a password."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from settings_store.environment import InvalidEnvironment, load

URL = "redis://:a-password@redis:6379/0"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "url"
    path.write_text(f"{URL}\n", encoding="utf-8")
    return path


def test_a_file_stands_for_the_url_and_the_broker_follows(file: Path) -> None:
    loaded = load({"NOTIFY_REDIS_URL_FILE": str(file)})
    assert (loaded.redis_url, loaded.broker_url) == (URL, URL)
    apart = load({"NOTIFY_REDIS_URL": "redis://other:6379/0", "NOTIFY_BROKER_URL_FILE": str(file)})
    assert (apart.redis_url, apart.broker_url) == ("redis://other:6379/0", URL)


def test_both_are_refused_and_neither_is_shown(file: Path) -> None:
    with pytest.raises(
        InvalidEnvironment, match="NOTIFY_REDIS_URL and NOTIFY_REDIS_URL_FILE are both set"
    ) as caught:
        load({"NOTIFY_REDIS_URL": URL, "NOTIFY_REDIS_URL_FILE": str(file)})
    assert "a-password" not in str(caught.value)


@pytest.mark.parametrize(
    "content,fault", [(None, "no such file or directory"), (b" \n", "is empty"), (b"\xff", "is no text")]
)
def test_a_file_that_is_of_no_use_is_named(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "odd"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidEnvironment, match=f"NOTIFY_REDIS_URL_FILE: {path}: {fault}"):
        load({"NOTIFY_REDIS_URL_FILE": str(path)})


def test_what_a_file_says_is_checked_as_a_variable_is(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("http://x", encoding="utf-8")
    with pytest.raises(InvalidEnvironment, match="must start with redis://"):
        load({"NOTIFY_REDIS_URL_FILE": str(path)})


@pytest.mark.parametrize("url", ["http://x", "memory://", "AMQP://x", "sqs://x"])
def test_a_broker_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(InvalidEnvironment, match="NOTIFY_BROKER_URL must start with redis://"):
        load({"NOTIFY_REDIS_URL": URL, "NOTIFY_BROKER_URL": url})


def test_rabbitmq_over_tls_is_verified_as_redis_is(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(file)
    given = {"NOTIFY_REDIS_URL": URL, "NOTIFY_BROKER_URL": "amqps://u:p%2Fw@mq:5671/notify"}
    loaded = load({**given, "NOTIFY_REDIS_CA_FILE": str(file)})
    assert loaded.redis_url == URL
    assert loaded.broker_url.startswith("amqps://u:p%2Fw@mq:5671/notify?ssl_cert_reqs=required&ssl_ca_certs=")
    plain = load({**given, "NOTIFY_BROKER_URL": "amqp://mq//"})
    assert plain.broker_url == "amqp://mq//"


def test_tls_is_always_verified_against_the_file_or_the_system(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(file)
    loaded = load({"NOTIFY_REDIS_URL": "rediss://:p%40ss@r:1/2", "NOTIFY_REDIS_CA_FILE": str(file)})
    assert loaded.redis_url == loaded.broker_url
    assert loaded.redis_url.startswith("rediss://:p%40ss@r:1/2?ssl_cert_reqs=required&ssl_ca_certs=")
    assert load({"NOTIFY_REDIS_URL": "rediss://r"}).redis_url == "rediss://r?ssl_cert_reqs=required"
    own = tmp_path / "own.pem"
    trustme.CA().issue_cert("client").private_key_and_cert_chain_pem.write_to_path(own)
    kept = load({"NOTIFY_REDIS_URL": f"rediss://r/0?ssl_certfile={own}"}).redis_url
    assert "own.pem&ssl_cert_reqs=required" in kept


@pytest.mark.parametrize(
    "more,fault",
    [
        ({"NOTIFY_REDIS_URL": "rediss://:w@r?ssl_cert_reqs=none"}, "NOTIFY_REDIS_URL: ssl_cert_reqs must be"),
        (
            {"NOTIFY_BROKER_URL": "rediss://:w@r?ssl_check_hostname=false"},
            "NOTIFY_BROKER_URL: ssl_check_host",
        ),
        ({"NOTIFY_REDIS_CA_FILE": __file__}, "NOTIFY_REDIS_CA_FILE is set, but nothing would be encrypted"),
        (
            {"NOTIFY_REDIS_URL": "rediss://r", "NOTIFY_REDIS_CA_FILE": "/no/where"},
            "NOTIFY_REDIS_CA_FILE: /no/where: no such file or directory",
        ),
        ({"NOTIFY_REDIS_URL": "rediss://r", "NOTIFY_REDIS_CA_FILE": __file__}, "holds no certificate"),
    ],
)
def test_tls_that_would_not_protect_is_refused(more: dict[str, str], fault: str) -> None:
    with pytest.raises(InvalidEnvironment, match=fault):
        load({"NOTIFY_REDIS_URL": "redis://r", **more})
