"""What a delivery costs beside an empty Celery task, `smtplib` and a client in C.

One worker process delivers 2 KB mails to `smtp-sink`, which takes them as fast as they come. Beside it, in
turn: a worker that runs empty tasks with the same settings, a loop of `smtplib` on one open connection, and
`smtp-source` on one session.
"""

from __future__ import annotations

import smtplib
import subprocess
import time
from email.message import EmailMessage

from benchmarks.measuring.figure import Figure, Goal, Result, ratio
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.emptying import Emptied
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.stand import TEXT, TEXT_BYTES, stand
from tests.rigs.processes import require_program
from tests.rigs.smtp_sink import smtp_sink

SINGLY = "notifications, singly"
TOGETHER = "notifications, in batches"
EMPTY = "empty Celery tasks"
SMTPLIB = "smtplib, one connection"
SOURCE = "smtp-source (C), one session"


def overhead(run: Run) -> Result:
    """Deliveries per second of one worker process, and what stands beside them."""
    source = require_program("smtp-source")
    singly, together, loop = run.size(50, 500), run.size(50, 5_000), run.size(50, 5_000)
    cpu: dict[str, list[float]] = {SINGLY: [], TOGETHER: [], EMPTY: []}

    def rate(name: str, took: Emptied, count: int) -> float:
        cpu[name].append(took.cpu_seconds / count * 1000)
        return count / took.seconds

    with smtp_sink("-m", "1000") as port, stand(run) as site:
        site.configure(primary=port)
        with site.quiet_worker() as worker, site.empty_worker() as empty_worker:
            found = run.alternate(
                Side(SINGLY, lambda: rate(SINGLY, site.mails(worker, singly, together=False), singly)),
                Side(TOGETHER, lambda: rate(TOGETHER, site.mails(worker, together, together=True), together)),
                Side(EMPTY, lambda: rate(EMPTY, site.empty_tasks(empty_worker, singly), singly)),
                Side(SMTPLIB, lambda: smtplib_rate(port, loop)),
                Side(SOURCE, lambda: source_rate(source, port, loop)),
            )
    used = {name: Figure(f"{name}: CPU each", "ms", run.counted(spent)) for name, spent in cpu.items()}
    return Result(
        f"deliveries a second of one worker process, mails of {TEXT_BYTES:,} bytes to smtp-sink",
        [*found.values(), *used.values()],
        [
            Goal(ratio("singly / empty task", found[SINGLY], found[EMPTY]), at_least=0.6),
            Goal(ratio("in batches / empty task", found[TOGETHER], found[EMPTY]), at_least=2.0),
            Goal(ratio("in batches / smtplib", found[TOGETHER], found[SMTPLIB]), at_least=0.5),
        ],
        {"Redis": SHOWN, "a round": f"{singly} singly, {together} in batches, {loop} by the SMTP clients"},
    )


def smtplib_rate(port: int, count: int) -> float:
    """Mails a second that the standard library sends over one open connection."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.test", "b@x.test", "Job failed"
    message.set_content(TEXT)
    text = message.as_bytes()
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test") as client:
        began = time.perf_counter()
        for _ in range(count):
            client.sendmail("a@x.test", ["b@x.test"], text)
        return count / (time.perf_counter() - began)


def source_rate(program: str, port: int, count: int) -> float:
    """Mails a second that Postfix's client in C sends over one session."""
    command = [program, "-d", "-s", "1", "-m", str(count), "-l", str(TEXT_BYTES), f"127.0.0.1:{port}"]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return count / (time.perf_counter() - began)
