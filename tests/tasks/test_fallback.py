"""Whether a channel is on its fallback, for every state of two servers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from settings_store.snapshot import Snapshot
from tasks.breaker import BreakerState
from tasks.fallback import standing
from tasks.routing import route

BOTH = {
    "primary_email.server_name": "one.test",
    "secondary_email.server_name": "two.test",
    "primary_sms.server_name": "three.test",
}


@dataclass(frozen=True)
class Known:
    state: BreakerState
    reason: str = "away"


def of(primary: BreakerState | None, secondary: BreakerState | None) -> tuple[str, str | None]:
    """Condition and carrier of e-mail; None is a server that nothing is known of."""
    found = route(Snapshot(1, BOTH), "email")
    states = [primary, secondary]
    known = {
        hop.server.fingerprint: Known(state)
        for hop, state in zip(found.chain, states, strict=True)
        if state is not None
    }
    stands = standing("email", found, known)
    return stands.condition, stands.carrier


LEFT_ALONE: list[BreakerState] = ["open", "half_open", "paused"]


@pytest.mark.parametrize("secondary", [None, "closed", *LEFT_ALONE])
@pytest.mark.parametrize("primary", [None, "closed"])
def test_while_the_primary_carries_all_is_well(
    primary: BreakerState | None, secondary: BreakerState | None
) -> None:
    assert of(primary, secondary) == ("well", "primary_email")


@pytest.mark.parametrize("secondary", [None, "closed"])
@pytest.mark.parametrize("primary", LEFT_ALONE)
def test_while_the_primary_is_left_alone_the_secondary_carries(
    primary: BreakerState, secondary: BreakerState | None
) -> None:
    assert of(primary, secondary) == ("fallback", "secondary_email")


@pytest.mark.parametrize("secondary", LEFT_ALONE)
@pytest.mark.parametrize("primary", LEFT_ALONE)
def test_while_both_are_left_alone_nobody_carries(primary: BreakerState, secondary: BreakerState) -> None:
    assert of(primary, secondary) == ("down", None)


def test_a_channel_without_servers_is_unset_and_one_server_alone_has_no_fallback() -> None:
    assert standing("email", route(Snapshot(), "email"), {}).condition == "unset"
    texts = route(Snapshot(1, BOTH), "text")
    known = {texts.chain[0].server.fingerprint: Known("open", "refused")}
    stands = standing("text", texts, known)
    assert (stands.condition, stands.carrier, stands.reason) == ("down", None, "refused")


def test_the_reason_is_that_of_the_server_that_should_carry() -> None:
    found = route(Snapshot(1, BOTH), "email")
    known = {found.chain[0].server.fingerprint: Known("open", "the server refuses connections")}
    assert standing("email", found, known).reason == "the server refuses connections"
    assert standing("email", found, {}).reason == ""
