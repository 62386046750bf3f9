"""RabbitMQ: its version, the kind of our queues, and consumers that are none of our workers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from console.doctor.facts import Facts, RabbitMQFacts
from console.doctor.finding import Finding
from tasks.broker import QUEUE_OF_LANE

LEAST_VERSION: Final = (3, 10)
#: From this version on a message of a quorum queue is dropped after 20 deliveries, unless a policy says else.
DROPS_FROM_VERSION: Final = (4, 0)


def rabbitmq_findings(known: RabbitMQFacts, facts: Facts) -> Iterator[Finding]:
    """What RabbitMQ tells of itself and our queues."""
    yield _version(known)
    for queue in known.other_kind:
        yield Finding(
            "broker.queues",
            "error",
            f"{queue} is no quorum queue",
            "workers do not start while it is there; somebody else declared it first",
            f"let it run empty, then `rabbitmqctl delete_queue --vhost VHOST {queue}`, and a worker makes it "
            'anew; whoever made it sets task_create_missing_queue_type = "quorum"',
        )
    if not known.other_kind and known.consumers:
        yield Finding("broker.queues", "ok", f"{len(known.consumers)} queues of ours are quorum queues")
    if known.unread:
        yield Finding(
            "broker.stranded",
            "warn",
            f"{known.unread} messages lie in the queue celery, and nobody consumes it",
            "if notify.* tasks are among them, what they ask for is not accepted and never sent",
            'name the queue where they are sent: send_task(..., queue="notify.normal"), and send them again',
        )
    else:
        yield Finding("broker.stranded", "ok", "nothing lies unread in the queue celery")
    yield from _strangers(known, facts)


def _version(known: RabbitMQFacts) -> Finding:
    numbers = tuple(int(part) for part in re.findall(r"\d+", known.version)[:2])
    what = f"RabbitMQ {known.version}".strip()
    if numbers and numbers < LEAST_VERSION:
        return Finding(
            "broker.version",
            "error",
            f"{what} is too old",
            "quorum queues of older versions were not tried",
            f"install {'.'.join(map(str, LEAST_VERSION))} or newer",
        )
    drops = (
        "; a message is dropped after 20 deliveries unless a policy says else"
        if numbers >= DROPS_FROM_VERSION
        else ""
    )
    return Finding("broker.version", "ok", f"{what}{drops}")


def _strangers(known: RabbitMQFacts, facts: Facts) -> Iterator[Finding]:
    if facts.fleet is None:
        return
    for lane, queue in QUEUE_OF_LANE.items():
        ours = sum(member.life is not None and lane in member.life.serves for member in facts.fleet)
        consumers = known.consumers.get(queue, 0)
        if consumers > ours:
            yield Finding(
                "broker.foreign_consumer",
                "warn",
                f"{queue} has {consumers} consumers, and {ours} of our workers serve it",
                "a stranger takes submissions and does nothing with them; another installation in the same "
                "virtual host takes ours",
                "give each installation a virtual host of its own; a worker that just ended or began counts "
                "for some seconds: ask again",
            )
            return
