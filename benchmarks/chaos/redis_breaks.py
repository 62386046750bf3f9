"""Redis killed, away, hanging up and refusing the password, while notifications come in and go out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import redis

from benchmarks.chaos.being_told import Askers, a_publisher_is_told, askers
from benchmarks.chaos.doors import Doors
from benchmarks.chaos.ending import PATIENCE_SECONDS, come_to_the_end
from benchmarks.chaos.judging import judge
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.faketime_redis import FaketimeRedis
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.worker import Worker

_ANSWER_SECONDS = 0.02
_PASSWORD = "changed meanwhile"
#: A third of those that come in a minute are left for when Redis is away.
_PACE_SECONDS = 0.3


@dataclass
class Scene:
    """Notifications flow from a publisher through a worker to a mail server."""

    installation: Installation
    mailbox: Mailbox
    doors: Doors
    worker: Worker
    count: int
    askers: Askers | None = None

    def wait_taken(self, least: int) -> None:
        wait_until(lambda: self.mailbox.taken >= least, seconds=PATIENCE_SECONDS, what=f"{least} mails")

    def seconds_until_mail(self) -> float:
        """How long from now until another mail comes."""
        before, began = self.mailbox.taken, time.monotonic()
        assert before < self.count, "nothing was left to send"
        self.wait_taken(before + 1)
        return time.monotonic() - began


def killed_always(setting: Setting) -> Outcome:
    """With the settings that the promise asks for."""
    return _killed(setting, "redis-killed-always", "always")


def killed_everysec(setting: Setting) -> Outcome:
    """With the settings that many have."""
    return _killed(setting, "redis-killed-everysec", "everysec")


def _killed(setting: Setting, name: str, fsync: str) -> Outcome:
    kills = setting.size(2, 12)

    def kill(scene: Scene, outcome: Outcome) -> None:
        away = []
        for turn in range(kills):
            scene.wait_taken(scene.count * (turn + 1) * 7 // (kills * 10))
            scene.installation.server.stop()
            scene.installation.server.start()
            away.append(scene.seconds_until_mail())
        outcome.figures |= {"kills": kills, "longest_seconds_until_the_next_mail": round(max(away), 2)}

    broken = f"Redis killed and started again, appendfsync {fsync}"
    return _run(setting, name, broken, kill, "--appendfsync", fsync)


def outage(setting: Setting) -> Outcome:
    """Redis away for longer than any call waits: nobody is connected, and nobody can connect."""
    seconds = setting.size(8, 60)
    return _away(setting, "redis-away", f"Redis away for {seconds} s", seconds, lambda server: server.stop())


def hang(setting: Setting) -> Outcome:
    """Redis stops in the middle of everything: who is connected stays so, and gets no answer."""
    seconds = setting.size(12, 60)
    name, broken = "redis-hangs", f"Redis takes connections and says nothing for {seconds} s"
    return _away(setting, name, broken, seconds, lambda server: server.freeze())


def _away(
    setting: Setting, name: str, broken: str, seconds: float, go: Callable[[FaketimeRedis], None]
) -> Outcome:
    def stay_away(scene: Scene, outcome: Outcome) -> None:
        assert scene.askers is not None
        server = scene.installation.server
        assert isinstance(server, FaketimeRedis)
        scene.wait_taken(scene.count // 5)
        go(server)
        began = time.monotonic()
        scene.askers.ask_all(outcome)
        # The outage is the experiment: nothing could be waited for instead.
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        outcome.figures["away_seconds"] = round(time.monotonic() - began, 1)
        server.start()
        outcome.figures["seconds_until_the_next_mail"] = round(scene.seconds_until_mail(), 2)

    return _run(setting, name, broken, stay_away, asking=True, pace_seconds=_PACE_SECONDS)


def resets(setting: Setting) -> Outcome:
    """Every connection cut, again and again."""
    times = setting.size(5, 60)

    def reset(scene: Scene, outcome: Outcome) -> None:
        dice = setting.dice()
        marks = sorted(dice.sample(range(1, scene.count * 8 // 10), times))
        for mark in marks:
            scene.wait_taken(mark)
            client = scene.installation.runtime.redis
            for kind in ("normal", "pubsub"):
                client.client_kill_filter(_type=kind, skipme=True)
        outcome.figures["resets"] = times

    return _run(setting, "redis-resets", "every connection to Redis cut, again and again", reset)


def wrong_password(setting: Setting) -> Outcome:
    """The password changed under everybody, and changed back."""

    def change(scene: Scene, outcome: Outcome) -> None:
        scene.wait_taken(scene.count // 5)
        url = scene.installation.server.url
        with redis.Redis.from_url(url) as operator:
            operator.config_set("requirepass", _PASSWORD)
            # This very connection was let in before.
            for kind in ("normal", "pubsub"):
                operator.client_kill_filter(_type=kind, skipme=True)
            began = time.monotonic()
            outcome.figures["publisher_is_told"] = a_publisher_is_told(scene.installation)
            outcome.figures["publisher_waits_seconds"] = round(time.monotonic() - began, 1)
            told = bool(outcome.figures["publisher_is_told"])
            outcome.expect(that=told, else_fault="a publisher was let in with the old password")
            scene.worker.wait_logged("Authentication required")
            operator.config_set("requirepass", "")
        outcome.figures["seconds_until_the_next_mail"] = round(scene.seconds_until_mail(), 2)

    name = "redis-wrong-password"
    outcome = _run(setting, name, "the password of Redis changed, and changed back", change)
    doubles = outcome.figures["doubles_marked"]
    outcome.expect(that=not doubles, else_fault=f"{doubles} came twice, though the password came back")
    return outcome


def _run(
    setting: Setting,
    name: str,
    broken: str,
    breaks: Callable[[Scene, Outcome], None],
    *options: str,
    asking: bool = False,
    pace_seconds: float = 0.0,
) -> Outcome:
    """Run one of them; `pace_seconds` is how long whoever publishes rests after each step."""
    count = setting.size(200, 4_000)
    outcome = Outcome(name, broken, count)
    began = time.monotonic()
    with _flowing(setting, count, *options, asking=asking, pace_seconds=pace_seconds) as (scene, publishing):
        breaks(scene, outcome)
        publishing.join()
        installation, doors = scene.installation, scene.doors
        wait_until(
            lambda: installation.final_count() >= count * 9 // 10 or scene.worker.process.poll() is not None,
            seconds=PATIENCE_SECONDS,
            what="most being final",
        )
        ended = scene.worker.process.poll()
        outcome.expect(that=ended is None, else_fault=f"the worker ended with exit code {ended}")
        scene.worker.stop()
        come_to_the_end(installation)
        gone = [each for each in doors.submitted if installation.queries.get(each) is None]
        outcome.figures |= {
            "publishers_asked_again": doors.asked_again,
            "by_submit": len(doors.submitted),
            "submitted_lost_in_the_broker_client": len(gone),
        }
        known = [*doors.accepted, *(set(doors.submitted) - set(gone))]
        judge(installation, known, [scene.mailbox]).tell(outcome)
    outcome.seconds = time.monotonic() - began
    return outcome


@contextlib.contextmanager
def _flowing(
    setting: Setting, count: int, *options: str, asking: bool, pace_seconds: float
) -> Iterator[tuple[Scene, threading.Thread]]:
    with (
        running_installation(setting.folder, *options) as installation,
        open_mailbox() as mailbox,
        askers(installation) if asking else contextlib.nullcontext() as told,
    ):
        installation.configure(primary=mailbox)
        mailbox.take_slowly(_ANSWER_SECONDS)
        doors = Doors(installation)

        def publish() -> None:
            for _ in doors.publish(count, setting.dice(), by_command_line=0):
                time.sleep(pace_seconds)

        publishing = threading.Thread(target=publish)
        with installation.worker() as worker:
            publishing.start()
            try:
                yield Scene(installation, mailbox, doors, worker, count, told), publishing
            finally:
                publishing.join()
                doors.close()
