"""When a notification with open recipients is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tasks.breaker import Permission
from tasks.delivery.options import longest_gap_seconds
from tasks.delivery.pass_state import PassState
from tasks.delivery.uncertain import resend_due_ms, surely_down_ms
from tasks.limits import is_line
from tasks.routing import Hop
from tasks.schedule import gap_seconds, look_again_seconds

#: What waits in a line for a connection looks by itself after this, or up to twice that, as chance decides.
LOOK_IN_LINE_SECONDS: Final = 60.0


def wait_seconds(state: PassState, chain: tuple[Hop, ...], *, draw: float) -> float:
    """Seconds until the next pass; 0 where there is none, because nobody is open.

    The gap of the schedule, and no less than every server and every uncertain recipient asks for. Where
    nobody could be tried that was no pass: as long as the servers ask for patience, and where their breakers
    bar them no sooner than their next tests; the sweeper lets it go on once one of them may be used again.
    """
    walked = state.walked
    if not state.having("o") and not state.having("u"):
        return 0.0
    if walked.waits_until_ms:
        seconds = max(walked.waits_until_ms - state.now_ms(), 0) / 1000
        # What is urgent comes again at once.
        is_called = is_line(walked.waits_under) and state.notification.priority != "high"
        return max(seconds, _look_in_line_seconds(state, draw)) if is_called else seconds
    patience = (min(_moments_ms(state, chain, draw), default=0) - state.now_ms()) / 1000
    if not walked.spent and patience > 0:
        return patience
    longest = longest_gap_seconds(state.snapshot)
    return max(gap_seconds(state.claim.passes + 1, draw=draw, longest_seconds=longest), patience)


def _look_in_line_seconds(state: PassState, draw: float) -> float:
    """How soon one that waits in a line comes by itself, in case of need: it is called before that.

    No later than after half of its time, so that it goes by another server before that is over.
    """
    half_ms = (state.claim.expires_at_ms - state.now_ms()) / 2
    return min(LOOK_IN_LINE_SECONDS * (1 + draw), half_ms / 1000)


def counts_as_pass(state: PassState) -> bool:
    """Whether what was done spends one of the schedule's gaps."""
    return state.walked.spent and not state.walked.waits_until_ms


def counts_as_try(state: PassState) -> bool:
    """Whether the chain was walked to its end, successfully or not, also where all of it was passed over."""
    return counts_as_pass(state) or (bool(state.walked.barred) and not state.walked.waits_until_ms)


def _moments_ms(state: PassState, chain: tuple[Hop, ...], draw: float) -> Iterator[int]:
    """For each recipient and server the first moment at which something can be done."""
    memory, barred = state.memory, state.walked.barred
    for index in state.having("o"):
        for hop in chain:
            fingerprint = hop.server.fingerprint
            if not memory.is_refused(fingerprint, index):
                bar = barred.get(fingerprint)
                yield _look_ms(state, bar, draw) if bar else memory.patience_ms(fingerprint, index)
    for index in state.having("u"):
        yield max(resend_due_ms(state, index), _unsure_ms(state, chain, memory.unsure[index].server, draw))


def _unsure_ms(state: PassState, chain: tuple[Hop, ...], fingerprint: str, draw: float) -> int:
    """When the server that may have the message can be asked again, or the others in its place."""
    bar = state.walked.barred.get(fingerprint)
    if bar is None and any(hop.server.fingerprint == fingerprint for hop in chain):
        return state.memory.not_before_ms.get(fingerprint, 0)
    others_ms = surely_down_ms(state, fingerprint)
    if others_ms is not None and others_ms > state.now_ms():
        return others_ms
    bars = [bar, *map(state.walked.barred.get, (hop.server.fingerprint for hop in chain))]
    return min((_look_ms(state, each, draw) for each in bars if each), default=0)


def _look_ms(state: PassState, bar: Permission, draw: float) -> int:
    look_seconds = look_again_seconds(state.memory.tries + 1, draw=draw)
    return max(bar.again_at_ms, state.now_ms() + int(look_seconds * 1000))
