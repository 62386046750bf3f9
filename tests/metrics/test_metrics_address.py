"""What `NOTIFY_METRICS_PORT` may be."""

from __future__ import annotations

import pytest

from settings_store.environment import InvalidEnvironment
from workers.metrics_address import metrics_address


@pytest.mark.parametrize(
    "text,shown",
    [
        ("9464", "127.0.0.1:9464"),
        ("0.0.0.0:9464", "0.0.0.0:9464"),
        ("[::]:1", "[::]:1"),
        ("localhost:65535", "localhost:65535"),
    ],
)
def test_a_port_is_on_loopback_and_a_host_can_be_named(text: str, shown: str) -> None:
    assert str(metrics_address({"NOTIFY_METRICS_PORT": text})) == shown


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1", ":9464", "host:", "²", "9464 "])
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(
        InvalidEnvironment, match=r"NOTIFY_METRICS_PORT must be a port from 1 to 65535, or HOST"
    ):
        metrics_address({"NOTIFY_METRICS_PORT": text})


def test_unset_or_blank_is_off() -> None:
    assert metrics_address({}) is None
    assert metrics_address({"NOTIFY_METRICS_PORT": ""}) is None
