"""The workers: whether there are any, what they serve, and whether their clocks agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.doctor.facts import Facts
from console.doctor.finding import Finding
from tasks.fleet import WorkerLife
from tasks.ledger import LANES

CLOCK_WARN_SECONDS: Final = 5
CLOCK_ERROR_SECONDS: Final = 300
#: A sign of life tells the revision of its own moment, and comes every 5 s.
REVISION_KNOWN_WITHIN_SECONDS: Final = 15
_SECOND_MS: Final = 1000
_START: Final = "`celery -A workers worker`, or `make up` for everything on this machine"


def worker_findings(facts: Facts) -> Iterator[Finding]:
    """Who lives, who is gone, what is not served."""
    if facts.fleet is None:
        return
    alive = {member.name: member.life for member in facts.fleet if member.life is not None}
    if not alive:
        yield Finding(
            "workers.alive",
            "error",
            "no worker is alive",
            "notifications are accepted and wait; nothing is delivered",
            _START,
        )
    else:
        slots = sum(life.slots for life in alive.values())
        workers = "1 worker" if len(alive) == 1 else f"{len(alive)} workers"
        yield Finding("workers.alive", "ok", f"{workers} with {slots} slots")
        yield from _unfit(alive)
        yield from _served(alive)
        yield from _revisions(alive, facts)
    for member in facts.fleet:
        if member.life is None:
            ago = (facts.now_ms - member.heard_ms) / _SECOND_MS / 60
            yield Finding(
                "workers.gone",
                "warn",
                f"worker {member.name} was last heard of {ago:.0f} min ago, and did not stop in order",
                "what it was sending may be uncertain, and there is one worker less",
                f"see why it ended, and start it anew: {_START}",
            )
    yield from _clocks(alive, facts)


def _unfit(alive: dict[str, WorkerLife]) -> Iterator[Finding]:
    for name, life in alive.items():
        if life.unfit:
            yield Finding(
                "workers.unfit",
                "error",
                f"worker {name} takes no work: {life.unfit}",
                "it left the queues to the others, and comes back by itself once that is cured",
                "put the key file back that NOTIFY_KEY_FILE names on its host",
            )


def _served(alive: dict[str, WorkerLife]) -> Iterator[Finding]:
    served = {lane for life in alive.values() for lane in life.serves}
    for lane in LANES:
        if lane not in served:
            yield Finding(
                "workers.lanes",
                "error",
                f"no worker serves the queue notify.{lane}",
                "notifications of that queue are accepted and never sent",
                f"start one without -Q, or with `-Q notify.{lane}`",
            )
    if all(life.slots and life.busy >= life.slots for life in alive.values()):
        yield Finding(
            "workers.busy",
            "warn",
            "every slot of every worker is busy",
            "what comes now waits until a server answers",
            "start more workers, and see `notify server list` for slow servers",
        )


def _revisions(alive: dict[str, WorkerLife], facts: Facts) -> Iterator[Finding]:
    if facts.snapshot is None:
        return
    now = facts.snapshot.revision
    settled = (
        facts.saved_ms is None or facts.now_ms - facts.saved_ms > REVISION_KNOWN_WITHIN_SECONDS * _SECOND_MS
    )
    behind = sorted(name for name, life in alive.items() if life.revision != now)
    if behind and settled:
        yield Finding(
            "workers.revision",
            "error",
            f"{', '.join(behind)} does not see revision {now} of the options",
            "it sends by other servers than you set: it may speak to another Redis, or to one that fell "
            "behind",
            "compare NOTIFY_REDIS_URL and NOTIFY_PREFIX of that worker with those here",
        )
    else:
        yield Finding("workers.revision", "ok", f"all of them are at revision {now} of the options")


def _clocks(alive: dict[str, WorkerLife], facts: Facts) -> Iterator[Finding]:
    clocks = {"this host": facts.here_ahead_ms}
    clocks |= {f"the host of worker {name}": life.clock_ahead_ms for name, life in alive.items()}
    wrong = {who: ahead for who, ahead in clocks.items() if abs(ahead) > CLOCK_WARN_SECONDS * _SECOND_MS}
    for who, ahead in wrong.items():
        far = abs(ahead) > CLOCK_ERROR_SECONDS * _SECOND_MS
        yield Finding(
            "clocks",
            "error" if far else "warn",
            f"the clock of {who} is {abs(ahead) / _SECOND_MS:.0f} s "
            f"{'ahead of' if ahead > 0 else 'behind'} that of Redis",
            "mails bear a wrong time, and certificates and tokens are judged by it"
            if far
            else "mails bear a wrong time; at some minutes certificates and tokens are refused",
            "have chrony or systemd-timesyncd set both clocks: `timedatectl`",
        )
    if not wrong:
        agree = "1 clock agrees" if len(clocks) == 1 else f"{len(clocks)} clocks agree"
        yield Finding("clocks", "ok", f"{agree} with that of Redis")
