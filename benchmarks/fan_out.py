"""One notification for a thousand people, beside `smtplib` sending the same mail to the same groups."""

from __future__ import annotations

import smtplib
import time

from benchmarks.measuring.figure import Result, ratio
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.stand import TEXT, stand
from tests.rigs.processes import wait_until
from tests.rigs.smtp_sink import smtp_sink

OURS = "one notification, from publish to delivered"
SMTPLIB = "smtplib, groups of 100, one connection"
GROUP = 100


def fan_out(run: Run) -> Result:
    """Milliseconds until the server has taken the mail for everybody."""
    people = [f"person.{number:04d}@example.com" for number in range(run.size(150, 1_000))]
    with smtp_sink("-m", "1000") as port, stand(run) as site:
        site.configure(primary=port)
        with site.quiet_worker():

            def ours() -> float:
                began = time.perf_counter()
                notification_id = site.publish(to=people, message=TEXT).id
                # Not the record, which is long with so many recipients.
                wait_until(lambda: site.open_count() == 0, seconds=60, what="its end")
                spent = time.perf_counter() - began
                assert set(site.record(notification_id).outcomes) == {"delivered"}
                return spent * 1000

            def theirs() -> float:
                text = f"Subject: Job failed\r\n\r\n{TEXT}"
                with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test") as client:
                    began = time.perf_counter()
                    for start in range(0, len(people), GROUP):
                        client.sendmail("a@x.test", people[start : start + GROUP], text)
                    return (time.perf_counter() - began) * 1000

            found = run.alternate(Side(OURS, ours, "ms"), Side(SMTPLIB, theirs, "ms"))
    return Result(
        f"one mail for {len(people):,} recipients, to smtp-sink, in groups of {GROUP}",
        [*found.values(), ratio("one notification / smtplib", found[OURS], found[SMTPLIB])],
        settings={"Redis": SHOWN},
    )
