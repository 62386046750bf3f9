"""The engines beneath broken: a RabbitMQ that loses everything, a primary of Redis that Sentinels replace."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from benchmarks.chaos.ending import PATIENCE_SECONDS, come_to_the_end
from benchmarks.chaos.judging import judge
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.faketime_redis import faketime_redis
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.rabbitmq import RabbitMQ, running_rabbitmq
from tests.rigs.sentinel import running_sentinels

_ANSWER_SECONDS = 0.02
#: A replica that follows has what is older than this.
_REPLICATED_SECONDS = 1.0


@dataclass
class Publishing:
    """Publishes one by one in a thread, and asks again under the same id where Redis does not answer."""

    installation: Installation
    count: int
    accepted: dict[str, float] = field(default_factory=dict)
    asked_again: int = 0
    longest_seconds: float = 0.0

    def run(self) -> None:
        """Publish all."""
        for number in range(self.count):
            name = f"chaos-{number}"
            # As fast as the mail goes, so that what breaks meets publishers too.
            time.sleep(_ANSWER_SECONDS)
            while name not in self.accepted:
                began = time.monotonic()
                try:
                    self.installation.publish(id=name, subject=name)
                    self.accepted[name] = time.monotonic()
                except redis.RedisError:
                    self.asked_again += 1
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)


def rabbitmq_wiped(setting: Setting) -> Outcome:
    """Queues deleted under load, then the whole node set back to nothing, while the ledger stays."""
    wipes = setting.size(1, 5)
    with (
        running_rabbitmq(setting.folder / "rabbitmq") as node,
        faketime_redis(setting.folder / "redis") as server,
    ):

        def wipe(running: Publishing, mailbox: Mailbox, outcome: Outcome) -> None:
            for turn in range(wipes):
                _wait_taken(mailbox, running.count * (turn + 1) // (2 * wipes))
                _set_back(node)
                outcome.figures["seconds_until_the_next_mail"] = _until_mail(mailbox)
            outcome.figures["wipes"] = wipes

        broken = "RabbitMQ killed and started again with nothing on its disk"
        outcome = Outcome("rabbitmq-wiped", broken, setting.size(200, 4_000))
        installation = Installation(server, setting.folder, NOTIFY_BROKER_URL=node.take_host())
        running, mailbox = _run(outcome, installation, wipe)
        judge(installation, list(running.accepted), [mailbox]).tell(outcome)
        installation.runtime.close()
        return outcome


def sentinel_failover(setting: Setting) -> Outcome:
    """The primary killed under load, and brought back as a replica."""
    kills = setting.size(1, 5)
    with running_sentinels(setting.folder / "sentinels") as sentinels:
        killed_at: list[float] = []

        def kill(running: Publishing, mailbox: Mailbox, outcome: Outcome) -> None:
            away = []
            for turn in range(kills):
                _wait_taken(mailbox, running.count * (turn + 1) // (2 * kills))
                killed_at.append(time.monotonic())
                primary = sentinels.kill_primary()
                sentinels.wait_other_primary(primary)
                away.append(_until_mail(mailbox) + time.monotonic() - killed_at[-1])
                sentinels.start()
            outcome.figures |= {"kills": kills, "longest_seconds_until_the_next_mail": round(max(away), 1)}

        broken = "the primary of Redis killed; Sentinels make a replica the primary"
        outcome = Outcome("sentinel-failover", broken, setting.size(200, 4_000))
        installation = Installation(sentinels, setting.folder)
        running, mailbox = _run(outcome, installation, kill)
        _judge_replication(outcome, running, installation, mailbox, killed_at)
        installation.runtime.close()
        return outcome


def _judge_replication(
    outcome: Outcome,
    running: Publishing,
    installation: Installation,
    mailbox: Mailbox,
    killed_at: list[float],
) -> None:
    """What had reached a replica must be there and final; what had not is counted."""
    counts = mailbox.counts()
    gone = [each for each in running.accepted if installation.queries.get(each) is None]
    unsent = [each for each in gone if not counts[each]]
    for each in unsent:
        before = min(
            (at - running.accepted[each] for at in killed_at if at >= running.accepted[each]), default=0
        )
        outcome.expect(
            that=before < _REPLICATED_SECONDS, else_fault=f"{each} is gone, {before:.1f} s old at the kill"
        )
    outcome.figures |= {
        "accepted": len(running.accepted),
        "gone_unsent_with_the_last_moment": len(unsent),
        "gone_but_sent": len(gone) - len(unsent),
        "came_twice": sum(count > 1 for count in counts.values()),
    }
    for each in running.accepted:
        if each not in gone:
            record = installation.record(each)
            sent = record.state == "delivered" and counts[each] >= 1
            outcome.expect(that=sent or record.state == "uncertain", else_fault=f"{each} is {record.state}")


def _set_back(node: RabbitMQ) -> None:
    node.kill()
    shutil.rmtree(node.folder / "data")
    node.start()


def _run(
    outcome: Outcome,
    installation: Installation,
    breaks: Callable[[Publishing, Mailbox, Outcome], None],
) -> tuple[Publishing, Mailbox]:
    began = time.monotonic()
    with open_mailbox() as mailbox:
        installation.configure(primary=mailbox)
        mailbox.take_slowly(_ANSWER_SECONDS)
        running = Publishing(installation, outcome.notifications)
        thread = threading.Thread(target=running.run)
        with installation.worker() as worker:
            thread.start()
            breaks(running, mailbox, outcome)
            thread.join()
            ended = worker.process.poll()
            outcome.expect(that=ended is None, else_fault=f"the worker ended with exit code {ended}")
            worker.stop()
        come_to_the_end(installation)
    outcome.figures |= {
        "publishers_asked_again": running.asked_again,
        "publisher_waited_at_most_seconds": round(running.longest_seconds, 1),
    }
    outcome.seconds = time.monotonic() - began
    return running, mailbox


def _wait_taken(mailbox: Mailbox, least: int) -> None:
    wait_until(lambda: mailbox.taken >= least, seconds=PATIENCE_SECONDS, what=f"{least} mails")


def _until_mail(mailbox: Mailbox) -> float:
    before, began = mailbox.taken, time.monotonic()
    _wait_taken(mailbox, before + 1)
    return round(time.monotonic() - began, 2)
