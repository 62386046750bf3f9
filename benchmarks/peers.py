"""The same mails by what people use today: a plain task, django-celery-email, Apprise in a task."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring.figure import Figure, Result, ratio
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.emptying import emptied
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.stand import TEXT, TEXT_BYTES, Stand, stand
from tests.rigs.smtp_sink import CountingSink, counting_sink
from tests.rigs.worker import Worker

SINGLY = "notifications, singly"
TOGETHER = "notifications, in batches"
PLAIN = "a task with smtplib"
DJANGO = "django-celery-email, one a task"
DJANGO_TENS = "django-celery-email, ten a task"
APPRISE = "Apprise in a task"
#: Installed by `make benchmark-peers`: none of it is needed to run or test the notifier.
PEERS = Path(sys.prefix) / "peers"
TO = "ops@example.com"
_APPS = "benchmarks.stand.peer_apps"
PLAIN_TASK, APPRISE_TASK, DJANGO_TASK = "benchmark.plain", "benchmark.apprise", "djcelery_email_send_multiple"
_DJANGO_QUEUE = "benchmark.django"
_TENS = 10


def peers(run: Run) -> Result:
    """Mails a second of one worker process each, with the same pool, Redis and mail server."""
    count = run.size(40, 500)
    are_there = PEERS.is_dir()
    with counting_sink() as sink, stand(run) as site, contextlib.ExitStack() as running:
        site.configure(primary=sink.port)
        ours = running.enter_context(site.quiet_worker())
        sides = [
            _side(SINGLY, sink, ours, count, site.publish_singly),
            _side(TOGETHER, sink, ours, run.size(40, 2_000), site.publish_together),
        ]

        def other(application: str) -> Worker:
            return running.enter_context(
                site.other_worker(
                    f"{_APPS}.{application}", BENCHMARK_SINK=str(sink.port), PYTHONPATH=_path(site)
                )
            )

        plain = other("plain")
        sides.append(_side(PLAIN, sink, plain, count, lambda wanted: _send(site, PLAIN_TASK, wanted)))
        if are_there:
            django, apprise = other("django_mails"), other("apprise_mails")
            sides += [
                _side(DJANGO, sink, django, count, lambda wanted: _send_django(site, wanted, 1)),
                _side(DJANGO_TENS, sink, django, count, lambda wanted: _send_django(site, wanted, _TENS)),
                _side(APPRISE, sink, apprise, count, lambda wanted: _send(site, APPRISE_TASK, wanted)),
            ]
        found = run.alternate(*sides)
    others = [name for name in found if name not in {SINGLY, TOGETHER}]
    return Result(
        f"mails of {TEXT_BYTES:,} bytes a second to smtp-sink, by one worker process of each kind",
        [*found.values(), *_ratios(found, others)],
        settings={"Redis": SHOWN, "workers": "16 threads, prefetch 1, events on: the notifier's settings"},
        notes=[
            "None of the others records what it sends, tries again by itself, or notices a killed worker.",
            *(
                []
                if are_there
                else ["Only the plain task was compared: `make benchmark-peers` installs more."]
            ),
        ],
    )


def _ratios(found: dict[str, Figure], others: list[str]) -> list[Figure]:
    return [ratio(f"singly / {name}", found[SINGLY], found[name]) for name in others]


def _side(name: str, sink: CountingSink, worker: Worker, count: int, fill: Callable[[int], None]) -> Side:
    def rate() -> float:
        target = sink.taken() + count
        return count / emptied(lambda: fill(count), lambda: target - sink.taken(), worker).seconds

    return Side(name, rate)


def _path(site: Stand) -> str:
    return f"{site.environ['PYTHONPATH']}:{PEERS}"


def _send(site: Stand, task: str, count: int) -> None:
    for number in range(count):
        site.send_task(task, (TO, f"Job {number} failed", TEXT), queue=task)


def _send_django(site: Stand, count: int, at_once: int) -> None:
    """As `CeleryEmailBackend.send_messages` sends them, which makes chunks of ten of what it is given."""
    for start in range(0, count, at_once):
        mails = [
            {
                "subject": f"Job {start + number} failed",
                "body": TEXT,
                "from_email": "noreply@mycorp.com",
                "to": [TO],
                "bcc": [],
                "attachments": [],
                "headers": {},
                "cc": [],
                "reply_to": [],
            }
            for number in range(at_once)
        ]
        site.send_task(DJANGO_TASK, (mails, {}), queue=_DJANGO_QUEUE)
