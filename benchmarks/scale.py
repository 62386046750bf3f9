"""What 1, 2 and 4 worker processes deliver to a mail server that needs 50 ms for each reply."""

from __future__ import annotations

import contextlib

from benchmarks.measuring.figure import Figure, Goal, Result, ratio
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.emptying import emptied
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.sink import sink_process
from benchmarks.stand.stand import stand
from tests.rigs.processes import wait_until

PROCESSES = (1, 2, 4)
_IN_SHORT = (1, 2)
REPLY_SECONDS = 0.05
SLOTS = 16
CONNECTIONS = 20
#: MAIL, RCPT, DATA and the final dot, of which a pipelining client waits for the sum all the same: this
#: server takes its time for each.
_REPLIES = 4


def scale(run: Run) -> Result:
    """Deliveries per second, and connections at once where they are limited."""
    each, sizes = run.size(20, 240), _IN_SHORT if run.short else PROCESSES
    limited_processes = min(sizes) if run.short else max(sizes)
    most_open: list[float] = []
    with sink_process(REPLY_SECONDS) as sink, stand(run) as site:
        site.configure(primary=sink.port)

        def rate(processes: int) -> float:
            count = each * processes
            with contextlib.ExitStack() as running:
                workers = [
                    running.enter_context(site.quiet_worker("-n", f"w{number}@%h"))
                    for number in range(processes)
                ]
                wait_until(lambda: site.living() == processes, seconds=60, what="the workers living")
                # Opens connections, so that what is measured is the steady state.
                site.publish_singly(SLOTS * processes)
                wait_until(lambda: site.open_count() == 0, seconds=60, what="the first mails' end")
                sink.counts()
                took = emptied(lambda: site.publish_singly(count), site.open_count, *workers)
                return count / took.seconds

        def rate_limited() -> float:
            _limit(CONNECTIONS)
            try:
                found = rate(limited_processes)
            finally:
                _limit(0)
            most_open.append(sink.counts().most_open)
            return found

        def _limit(connections: int) -> None:
            site.runtime.store.change({"limits.primary_email_connections": connections}, author="benchmark")

        names = {count: f"{count} worker process{'es' if count > 1 else ''}" for count in sizes}
        limited = f"{limited_processes} processes, {CONNECTIONS} connections allowed"
        found = run.alternate(
            *(Side(name, lambda count=count: rate(count)) for count, name in names.items()),  # type: ignore[misc]
            Side(limited, rate_limited),
        )
    one = found[names[1]]
    efficiency = [
        Figure(
            f"{count} processes / ({count} x one)", "x",
            tuple(value / count for value in ratio("", found[names[count]], one).rounds),
        )
        for count in sizes[1:]
    ]  # fmt: skip
    a_mail = _REPLIES * REPLY_SECONDS
    carried = Figure(
        f"of what {CONNECTIONS} connections can carry", "x",
        tuple(value * a_mail / CONNECTIONS for value in found[limited].rounds),
    )  # fmt: skip
    return Result(
        f"deliveries a second to a server that takes {REPLY_SECONDS * 1000:.0f} ms for each reply",
        [*found.values(), *efficiency],
        [
            Goal(
                Figure(f"most connections at once, {CONNECTIONS} allowed", "", run.counted(most_open)),
                at_most=CONNECTIONS,
            ),
            Goal(carried, at_least=0.85),
        ],
        {
            "Redis": SHOWN,
            "a worker": f"{SLOTS} slots; its mail server alone would allow {SLOTS / a_mail:.0f} a second",
        },
        ["All of it shares this machine's processors; more processes than cores show where those end."],
    )
