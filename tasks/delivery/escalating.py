"""Accepts the text that follows an e-mail, before the e-mail's pass is finished.

A worker that dies between the two makes the pass again and asks for the same text again, which the ledger
then has: none is lost and none is sent twice.
"""

from __future__ import annotations

from settings_store.logs import EventLog
from tasks.delivery.insist import Insist
from tasks.delivery.pass_state import PassState
from tasks.escalation import (
    child_entry,
    child_id,
    escalated_event,
    is_due,
    spared_event,
    text_recipients,
)
from tasks.escalation_limit import EscalationLimit
from tasks.ledger import FINAL_STATES, Ledger, LedgerUnavailable
from tasks.strands import aside

_log = EventLog(__name__)


def escalate(
    state: PassState, ledger: Ledger, insist: Insist, *, texts: EscalationLimit, tried: bool
) -> None:
    """Accept the text of an e-mail, once, where it is due, and say so in the e-mail's timeline.

    Args:
        state: The pass at its end, not yet finished.
        ledger: Where the text goes.
        insist: Repeats the call until it is answered.
        texts: How many may follow e-mails that name nobody themselves.
        tried: Whether this was a try of the chain, successful or not.
    """
    memory, snapshot = state.memory, state.snapshot
    memory.tries += int(tried)
    if memory.escalated or state.claim.kind == "notice" or set(state.outcomes) == {"d"}:
        return
    to = text_recipients(state.notification, snapshot)
    after = snapshot.number("escalation.after_passes")
    if not to or not is_due(state.outcomes, tries=memory.tries, after=after):
        return
    parent_id = state.claim.id
    place, limit = 0, snapshot.number("escalation.texts_in_10_minutes")
    if limit and not state.notification.escalate_text_to:
        place = insist(lambda: texts.place(parent_id, limit=limit))
        if place > limit:
            memory.escalated = True
            state.pending.entries.append(spared_event(at_ms=state.now_ms(), limit=limit))
            return
    entry = child_entry(
        state.notification,
        parent_id=parent_id,
        number=state.claim.number,
        to=to,
        snapshot=snapshot,
        is_last=place == limit > 0,
    )
    try:
        accepted = insist(lambda: aside(lambda: ledger.accept(entry, ring=False)))
    except LedgerUnavailable:
        # The next pass asks again.
        _log.warning("escalation_waits", notification=parent_id, error="LedgerUnavailable")
        return
    memory.escalated = True
    if accepted.status == "expired":
        return
    # "conflict": the list was changed since a worker died over this pass; the text of then stands.
    _log.info("escalated", notification=parent_id, text=accepted.id)
    state.text_made = accepted.id
    state.pending.entries.append(
        escalated_event(
            at_ms=state.now_ms(),
            child=child_id(parent_id),
            number=accepted.number,
            recipients=entry.recipients,
            before=accepted.state in FINAL_STATES,
        )
    )


def withdraw(state: PassState, ledger: Ledger, insist: Insist) -> None:
    """Cancel the text that this pass made, because its e-mail was cancelled during the pass."""
    if not state.text_made:
        return
    status, _ = insist(lambda: ledger.cancel(state.text_made, by="escalation", why="its e-mail is cancelled"))
    _log.info("escalation_withdrawn", notification=state.claim.id, text=state.text_made, result=status)
