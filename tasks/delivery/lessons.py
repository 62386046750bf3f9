"""What an attempt teaches: of its recipients, and of the server for this pass and the next ones."""

from __future__ import annotations

from typing import Final

from tasks.breaker import Permission
from tasks.delivery.attempt import Attempted
from tasks.delivery.memory import Unsure
from tasks.delivery.pass_state import PassState
from tasks.routing import Hop
from tasks.verdict import Judgement, Verdict

#: A server that asks for patience without saying how long.
THROTTLED_SECONDS: Final = 60

_OF_THE_SERVER: Final = frozenset(
    {Verdict.UNCERTAIN, Verdict.MISCONFIGURED, Verdict.THROTTLED, Verdict.SERVER_DOWN}
)
_OF_THE_MESSAGE: Final = frozenset({Verdict.MESSAGE_WAITS, Verdict.MESSAGE_REFUSED})


def ends_offer(state: PassState, judgement: Judgement | None) -> bool:
    """Whether there is no use in asking the same server for anybody else now.

    A text is a message of its own for each recipient, so what becomes of one says nothing of the next.
    """
    if judgement is None:
        return False
    return judgement.verdict in _OF_THE_SERVER or (judgement.verdict in _OF_THE_MESSAGE and not state.is_text)


def learn(state: PassState, hop: Hop, attempted: Attempted) -> None:
    """Take over what came of an attempt."""
    state.pending.entries += attempted.entries
    state.closes_intent = state.closes_intent or attempted.intended
    if attempted.postponed is not None:
        state.walked.troubles[hop.server.name] = attempted.postponed.reason
        return
    state.memory.barred.pop(hop.server.fingerprint, None)
    _learn_of_recipients(state, hop, attempted)
    _learn_of_server(state, hop, attempted.judgement)
    _tell(state, hop, attempted)


def leave_alone(state: PassState, hop: Hop, barred: Permission, indexes: list[int]) -> None:
    """Take over that a server is not to be tried for these recipients, and tell it where that is news."""
    fingerprint, memory, name = hop.server.fingerprint, state.memory, hop.server.name
    state.walked.barred[fingerprint] = barred
    state.walked.troubles[name] = barred.words
    if not barred.misconfigured:
        memory.down_since_ms.setdefault(fingerprint, state.now_ms())
    told = "paused" if barred.state == "paused" else "passed_over"
    if memory.barred.get(fingerprint) == told:
        return
    memory.barred[fingerprint] = told
    state.pending.entries.append(
        {
            "at": state.now_ms(),
            "pass": state.claim.passes + 1,
            "server": name,
            "verdict": told,
            "reason": barred.reason,
            "indexes": indexes,
            "revision": state.snapshot.revision,
            "next_at": None,
        }
    )


def _learn_of_recipients(state: PassState, hop: Hop, attempted: Attempted) -> None:
    memory, fingerprint, now_ms = state.memory, hop.server.fingerprint, state.now_ms()
    # A server that refuses now what it, or another, may have taken before: that stays unknown.
    given_up = [index for index in attempted.refused if state.outcomes[index] == "u"]
    state.settle(attempted.outcomes | dict.fromkeys(given_up, "x"))
    for index, letter in attempted.outcomes.items():
        if letter == "u":
            memory.unsure[index] = Unsure(fingerprint, now_ms)
    for index in attempted.refused:
        memory.refuse(fingerprint, index)
    for index, seconds in attempted.waits.items():
        memory.ask_patience(fingerprint, index, now_ms + seconds * 1000)


def _learn_of_server(state: PassState, hop: Hop, judgement: Judgement | None) -> None:
    memory, fingerprint = state.memory, hop.server.fingerprint
    verdict = judgement.verdict if judgement else None
    if verdict is Verdict.SERVER_DOWN:
        memory.down_since_ms.setdefault(fingerprint, state.now_ms())
    else:
        memory.down_since_ms.pop(fingerprint, None)
    if judgement is None:
        return
    if verdict is Verdict.MESSAGE_REFUSED and not state.is_text:
        memory.refuse_message(fingerprint)
    if verdict is Verdict.THROTTLED:
        memory.throttled[fingerprint] = memory.throttled.get(fingerprint, 0) + 1
    elif ends_offer(state, judgement):
        state.walked.passed_over.add(fingerprint)
    seconds = judgement.retry_after_seconds or (THROTTLED_SECONDS if verdict is Verdict.THROTTLED else 0)
    if seconds and verdict in _OF_THE_SERVER:
        memory.not_before_ms[fingerprint] = state.now_ms() + seconds * 1000


def _tell(state: PassState, hop: Hop, attempted: Attempted) -> None:
    walked = state.walked
    only_patience = attempted.judgement is not None and attempted.judgement.verdict is Verdict.THROTTLED
    walked.spent = walked.spent or bool(attempted.outcomes or attempted.refused) or not only_patience
    if "d" in attempted.outcomes.values():
        walked.delivered_by = hop.server.name
    troubles = [e["reason"] for e in attempted.entries if e["verdict"] != Verdict.DELIVERED.value]
    if troubles:
        walked.troubles[hop.server.name] = troubles[-1]
