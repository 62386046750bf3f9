"""When a notification with open recipients is tried again."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.delivery.pass_state import PassState
from tasks.delivery.uncertain import resend_due_ms
from tasks.routing import Hop
from tasks.schedule import gap_seconds


def wait_seconds(state: PassState, chain: tuple[Hop, ...], *, draw: float) -> float:
    """Seconds until the next pass.

    The gap of the schedule, and no less than every server and every uncertain recipient asks for. Where
    servers did nothing but ask for patience, as long as they ask: that was no pass.
    """
    walked = state.walked
    if walked.waits_until_ms:
        return (walked.waits_until_ms - state.now_ms()) / 1000
    patience = (min(_moments_ms(state, chain), default=0) - state.now_ms()) / 1000
    if not walked.spent and patience > 0:
        return patience
    return max(gap_seconds(state.claim.passes + 1, draw=draw), patience)


def counts_as_pass(state: PassState) -> bool:
    """Whether what was done spends one of the schedule's gaps."""
    return state.walked.spent and not state.walked.waits_until_ms


def _moments_ms(state: PassState, chain: tuple[Hop, ...]) -> Iterator[int]:
    """For each recipient and server the first moment at which something can be done."""
    memory = state.memory
    for index in state.having("o"):
        for hop in chain:
            if not memory.is_refused(hop.server.fingerprint, index):
                yield memory.patience_ms(hop.server.fingerprint, index)
    for index in state.having("u"):
        server = memory.unsure[index].server
        yield max(resend_due_ms(state, index), memory.patience_ms(server, index))
