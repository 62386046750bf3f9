"""The broker: whether it answers, and whether our messages lie where nobody of ours looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.doctor.facts import BrokerFacts, Facts
from console.doctor.finding import Finding
from console.doctor.rabbitmq_rules import rabbitmq_findings
from tasks.broker import VISIBILITY_SECONDS

#: Redelivery comes within the visibility timeout; after several of them nobody redelivers.
FORGOTTEN_SECONDS: Final = 10 * VISIBILITY_SECONDS
_SECOND_MS: Final = 1000


def broker_findings(facts: Facts) -> Iterator[Finding]:
    """Reach, stranded messages, foreign consumers, messages that nobody redelivers."""
    known = facts.broker
    if known is None:
        return
    if known.fault:
        yield Finding(
            "broker.reach",
            "error",
            f"the broker does not answer: {known.fault}",
            "notifications are accepted and wait until it is back",
            "start it, or correct NOTIFY_BROKER_URL",
        )
        return
    waiting = sum(known.waiting.values())
    yield Finding("broker.reach", "ok", f"the broker answers; {waiting} messages wait in its queues")
    if known.rabbitmq is not None:
        yield from rabbitmq_findings(known.rabbitmq, facts)
        return
    yield from _stranded(known)
    if known.taken_by_others:
        yield Finding(
            "broker.foreign_consumer",
            "error",
            f"a consumer that is none of ours holds {known.taken_by_others} messages of notify.* queues",
            "it takes submissions and does nothing with them, and its visibility timeout decides when they"
            " return",
            "`celery -A THEIR_APP inspect active_queues` finds it: its -Q must not name notify.*",
        )
    oldest = known.oldest_unacknowledged_ms
    if oldest is not None and facts.now_ms - oldest > FORGOTTEN_SECONDS * _SECOND_MS:
        yield Finding(
            "broker.redelivery",
            "warn",
            f"a message is held for {(facts.now_ms - oldest) / _SECOND_MS / 60:.0f} min without an end",
            f"a worker should have put it back after {VISIBILITY_SECONDS} s; while none runs nobody does",
            "start a worker: it puts back what dead ones held",
        )


def _stranded(known: BrokerFacts) -> Iterator[Finding]:
    check = "broker.stranded"
    if known.stranded is None:
        yield Finding(check, "ok", "the broker is no Redis, so the queue celery was not looked at")
    elif known.stranded:
        move = (
            f"move them: `for i in $(seq {known.stranded}); do redis-cli -u URL RPOPLPUSH celery "
            f"{known.queue}; done`; then name the queue where they are sent"
        )
        name = (
            'name the queue where they are sent: send_task(..., queue="notify.normal"), and send them again'
        )
        yield Finding(
            check,
            "error",
            f"{known.stranded} notify.* messages lie in the queue celery",
            "no worker of ours looks there: what they ask for is not accepted and never sent",
            move if known.stranded_alone else name,
        )
    else:
        yield Finding(check, "ok", "no message of ours lies in the queue celery")
