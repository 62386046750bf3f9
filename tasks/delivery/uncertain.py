"""What may have arrived: sent once more by the same server, by others only when that one is long down.

Never an immediate fail-over, which would be the sure duplicate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tasks.delivery.pass_state import PassState
from tasks.routing import Hop
from tasks.schedule import RESEND_UNCERTAIN_AFTER_SECONDS

_RESEND_AFTER_MS: Final = int(RESEND_UNCERTAIN_AFTER_SECONDS * 1000)

Offer = Callable[[Hop, list[int]], object]


def resend_due_ms(state: PassState, index: int) -> int:
    """When an uncertain recipient is sent to once more."""
    return state.memory.unsure[index].at_ms + _RESEND_AFTER_MS


def resend_uncertain(state: PassState, chain: tuple[Hop, ...], offer: Offer) -> None:
    """Offer the message to those who are uncertain and due.

    Args:
        state: The pass.
        chain: Today's servers. One that may have the message and is no longer among them counts as down from
            now on.
        offer: Offers the message to one server for some recipients.
    """
    unsure = state.having("u")
    if not unsure:
        return
    if not state.may_resend:
        state.settle(dict.fromkeys(unsure, "x"))
        return
    due = [index for index in unsure if state.now_ms() >= resend_due_ms(state, index)]
    for fingerprint in dict.fromkeys(state.memory.unsure[index].server for index in due):
        theirs = [index for index in due if state.memory.unsure[index].server == fingerprint]
        _resend(state, chain, offer, fingerprint, theirs)


def _resend(
    state: PassState, chain: tuple[Hop, ...], offer: Offer, fingerprint: str, indexes: list[int]
) -> None:
    # It refused them, or the message, meanwhile: what it did with the first copy stays unknown.
    refused = [index for index in indexes if state.memory.is_refused(fingerprint, index)]
    state.settle(dict.fromkeys(refused, "x"))
    same = [hop for hop in chain if hop.server.fingerprint == fingerprint]
    if not same:
        # Its options changed, or it was taken out: it cannot be asked, and may have the message all the same.
        state.memory.down_since_ms.setdefault(fingerprint, state.now_ms())
    for hop in same:
        offer(hop, _still_unsure(state, indexes))
    if not _is_surely_down(state, fingerprint):
        return
    for hop in chain:
        offer(hop, _still_unsure(state, indexes))


def surely_down_ms(state: PassState, fingerprint: str) -> int | None:
    """From when on a server counts as surely down, if it stays as it is; None where it is not down."""
    since_ms = state.memory.down_since_ms.get(fingerprint)
    minutes = state.snapshot.number("delivery.uncertain_fail_over_minutes")
    return None if since_ms is None else since_ms + minutes * 60_000


def _is_surely_down(state: PassState, fingerprint: str) -> bool:
    """Whether a server failed each time it was tried, or could not be tried at all, for long."""
    at_ms = surely_down_ms(state, fingerprint)
    return at_ms is not None and state.now_ms() >= at_ms


def _still_unsure(state: PassState, indexes: list[int]) -> list[int]:
    return [index for index in indexes if state.outcomes[index] == "u"]
