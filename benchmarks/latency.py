"""How long a notification takes from `publish` to the server's 250: idle, and at half load."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks.measuring.figure import Figure, Goal, Result
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.sink import sink_thread
from benchmarks.stand.stand import TEXT, Stand, stand
from tests.rigs.worker import Worker

IDLE = "publish to 250, idle"
TASK = "send_task to an empty task running, idle"
_PATIENCE_SECONDS = 60.0


class _Arrivals:
    """When each mail was taken, by the notification's id."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._changed = threading.Condition()

    def note(self, notification_id: str, at: float) -> None:
        with self._changed:
            self._at[notification_id] = at
            self._changed.notify_all()

    def wait(self, notification_id: str) -> float:
        with self._changed:
            if not self._changed.wait_for(lambda: notification_id in self._at, _PATIENCE_SECONDS):
                pytest.fail(f"a mail did not arrive within {_PATIENCE_SECONDS:g} s")
            return self._at[notification_id]


def latency(run: Run) -> Result:
    """Milliseconds of a notification, of an empty task, and of a notification under half load."""
    count, p99s = run.size(20, 200), {IDLE: list[float](), TASK: list[float]()}
    arrivals, loaded = _Arrivals(), list[float]()
    with sink_thread(arrivals.note) as port, stand(run) as site, _told() as tellings:
        site.configure(primary=port)
        with site.quiet_worker() as worker, site.empty_worker():

            def median(name: str, once: Callable[[], float]) -> float:
                spent = [once() for _ in range(count)]
                p99s[name].append(_p99(spent) * 1000)
                return statistics.median(spent) * 1000

            found = run.alternate(
                Side(IDLE, lambda: median(IDLE, lambda: _one_mail(site, arrivals)), "ms"),
                Side(TASK, lambda: median(TASK, lambda: _one_task(site, tellings)), "ms"),
            )
            pace = _half_load(run, site, worker)
            for number in range(run.rounds):
                spent = _under_load(site, arrivals, pace, run.size(30, int(pace * 4)))
                loaded.append(_p99(spent) * 1000)
                run.tell(f"round {number + 1} of {run.rounds}: at {pace:.0f}/s  p99 {loaded[-1]:.1f} ms")
    tails = {name: Figure(f"{name}, p99", "ms", run.counted(p99)) for name, p99 in p99s.items()}
    return Result(
        f"from the call to the server's reply, {count} one after the other a round",
        [*found.values(), *tails.values()],
        [
            Goal(_over("p50 over an empty task's", found[IDLE], found[TASK]), at_most=15),
            Goal(_over("p99 over an empty task's", tails[IDLE], tails[TASK]), at_most=50),
            Goal(Figure(f"p99 at half load, {pace:.0f} a second", "ms", tuple(loaded)), at_most=250),
        ],
        {"Redis": SHOWN},
        ["Publisher, worker, Redis and the mail server share this machine's processors."],
    )


def _one_mail(site: Stand, arrivals: _Arrivals) -> float:
    began = time.perf_counter()
    return arrivals.wait(site.publish(message=TEXT).id) - began


def _one_task(site: Stand, tellings: socket.socket) -> float:
    began = time.perf_counter()
    site.send_telling(tellings.getsockname()[1])
    tellings.recv(16)
    return time.perf_counter() - began


def _half_load(run: Run, site: Stand, worker: Worker) -> float:
    """Half of what the worker delivers a second."""
    count = run.size(50, 500)
    rates = [count / site.mails(worker, count, together=False).seconds for _ in range(run.size(1, 3))]
    return statistics.median(rates) / 2


def _under_load(site: Stand, arrivals: _Arrivals, pace: float, count: int) -> list[float]:
    """Seconds of each mail, published at an even pace whatever comes of those before."""
    began = time.perf_counter()
    published: list[tuple[str, float]] = []
    for number in range(count):
        due = began + number / pace
        time.sleep(max(0.0, due - time.perf_counter()))
        # From when it was due: a publisher that is held up hides no wait.
        published.append((site.publish(message=TEXT).id, due))
    return [arrivals.wait(notification_id) - due for notification_id, due in published]


@contextmanager
def _told() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tellings:
        tellings.bind(("127.0.0.1", 0))
        tellings.settimeout(_PATIENCE_SECONDS)
        yield tellings


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[98]


def _over(name: str, ours: Figure, theirs: Figure) -> Figure:
    return Figure(name, "ms", tuple(max(a - b, 0.0) for a, b in zip(ours.rounds, theirs.rounds, strict=True)))
