"""Servers that come back after a while: both down for an hour, one up and down, one that greylists."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from benchmarks.chaos.ending import PATIENCE_SECONDS, broker_is_empty
from benchmarks.chaos.judging import judge
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until

_HOUR_SECONDS: Final = 3_600
#: A test of a server that is down comes at least once a minute, and each pass may dial before it is known.
_MOST_CONNECTIONS_IN_THE_HOUR: Final = 90
#: Until the next test, and until what waited has gone on, paced.
_MOST_SECONDS_TO_GO_ON: Final = 120
#: What greylists usually asks for.
_GREYLIST_SECONDS: Final = 300
_STEP_SECONDS: Final = 15
_ANSWER_SECONDS: Final = 0.01


def both_down(setting: Setting) -> Outcome:
    """Both servers away for an hour of Redis' time: nothing is given up, and little is dialled."""
    count, step = setting.size(20, 200), setting.size(600, 60)
    outcome = Outcome("both-down-an-hour", "primary and secondary down for an hour", count)
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as primary,
        open_mailbox() as secondary,
        installation.worker() as worker,
    ):
        installation.configure(primary=primary, secondary=secondary)
        for mailbox in (primary, secondary):
            mailbox.go_down()
        ids = installation.publish_many(count)
        for _ in range(_HOUR_SECONDS // step):
            _settle(installation)
            installation.server.advance(step)
        _settle(installation)
        dialled = {"primary": primary.connections, "secondary": secondary.connections}
        still_open = installation.open_count()
        tries = [len(_attempts(installation, each)) for each in ids]
        for mailbox in (primary, secondary):
            mailbox.come_up()
        waited = 0
        while installation.open_count() and waited < _HOUR_SECONDS:
            installation.server.advance(_STEP_SECONDS)
            waited += _STEP_SECONDS
            _settle(installation)
        outcome.figures |= {
            "dialled_in_the_hour": dialled,
            "entries_in_a_timeline_at_most": max(tries),
            "open_after_the_hour": still_open,
            "all_delivered_after_seconds": waited,
        }
        worker.stop()
        judge(installation, ids, [primary, secondary]).tell(outcome)
    outcome.expect(that=still_open == count, else_fault=f"{count - still_open} were given up within the hour")
    outcome.expect(
        that=max(dialled.values()) <= _MOST_CONNECTIONS_IN_THE_HOUR,
        else_fault=f"dialled too often: {dialled}",
    )
    outcome.expect(
        that=waited <= _MOST_SECONDS_TO_GO_ON, else_fault=f"the last went {waited} s after they came back"
    )
    outcome.seconds = time.monotonic() - began
    return outcome


def flapping(setting: Setting) -> Outcome:
    """The primary goes down and comes up again and again, under load; the secondary is well."""
    count, times = setting.size(200, 4_000), setting.size(6, 60)
    outcome = Outcome("flapping", f"the primary down and up again {times} times", count)
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as primary,
        open_mailbox() as secondary,
        installation.worker(),
    ):
        installation.configure(primary=primary, secondary=secondary)
        for mailbox in (primary, secondary):
            mailbox.take_slowly(_ANSWER_SECONDS)
        ids = installation.publish_many(count)
        for turn in range(times):
            least = count * (turn + 1) * 9 // (times * 10)
            _wait_taken((primary, secondary), least)
            if turn % 2:
                primary.come_up()
                primary.take_slowly(_ANSWER_SECONDS)
                # The next test of it is due now, and not when a minute of the real calendar is over.
                installation.server.advance(1)
            else:
                primary.go_down()
        wait_until(lambda: not installation.open_count(), seconds=PATIENCE_SECONDS, what="all being final")
        outcome.figures |= {"by_primary": primary.taken, "by_secondary": secondary.taken}
        judge(installation, ids, [primary, secondary]).tell(outcome)
    for name in ("by_primary", "by_secondary", "doubles_marked"):
        is_right = bool(outcome.figures[name]) is (name != "doubles_marked")
        outcome.expect(that=is_right, else_fault=f"{name}: {outcome.figures[name]}")
    outcome.seconds = time.monotonic() - began
    return outcome


def greylisting(setting: Setting) -> Outcome:
    """One server, that asks everybody to come again in five minutes, and means it."""
    count = setting.size(10, 100)
    outcome = Outcome("greylisting", "the one server greylists for five minutes", count)
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as mailbox,
        installation.worker(),
    ):
        installation.configure(primary=mailbox)
        mailbox.answer("RCPT", "450 4.2.0 greylisted, come again later")
        mailbox.answer("DATA", "554 5.5.1 no valid recipients")
        ids = installation.publish_many(count)
        waited = 0
        while installation.open_count() and waited < _HOUR_SECONDS:
            _settle(installation)
            if waited >= _GREYLIST_SECONDS:
                mailbox.come_up()
            installation.server.advance(_STEP_SECONDS)
            waited += _STEP_SECONDS
        passes = Counter(installation.record(each).passes for each in ids)
        states = {server.state for server in installation.runtime.breaker.servers()}
        outcome.figures |= {
            "delivered_after_seconds": waited,
            "passes": {str(number): times for number, times in sorted(passes.items())},
            "connections": mailbox.connections,
        }
        judge(installation, ids, [mailbox]).tell(outcome)
    outcome.expect(that=states <= {"closed"}, else_fault="the server was held to be down")
    outcome.expect(that=max(passes) >= 3, else_fault="nobody was asked to come again")
    outcome.seconds = time.monotonic() - began
    return outcome


def _wait_taken(mailboxes: Iterable[Mailbox], least: int) -> None:
    wait_until(
        lambda: sum(mailbox.taken for mailbox in mailboxes) >= least,
        seconds=PATIENCE_SECONDS,
        what=f"{least} mails",
    )


def _settle(installation: Installation) -> None:
    """Until whatever is due by Redis' clock was looked at, and nobody is at work."""

    def settled() -> bool:
        seconds, _ = installation.runtime.redis.time()
        overdue, _ = installation.queries.overdue(seconds * 1000)
        counts = installation.queries.counts()
        return (
            not overdue
            and not counts["sending"]
            and not counts["queued"]
            and broker_is_empty(installation)
            and _servers_are_looked_after(installation)
        )

    wait_until(settled, seconds=PATIENCE_SECONDS, what="nothing being due")


def _servers_are_looked_after(installation: Installation) -> bool:
    """Whether no test of a server is due or running, and nobody is still to go on by one that is well again.

    Workers look once in a second of their own: without this the calendar runs away from them.
    """
    breaker, awaited = installation.runtime.breaker, installation.runtime.ledger.awaited()
    permissions = breaker.allows({*awaited, *(server.fingerprint for server in breaker.servers())})
    is_tested = not any(each.probe_due or each.state == "half_open" for each in permissions.values())
    return is_tested and not any(permissions[fingerprint].allowed for fingerprint in awaited)


def _attempts(installation: Installation, notification_id: str) -> list[dict[str, object]]:
    return [entry for entry in installation.record(notification_id).timeline if entry.get("server")]
