"""Mail servers that misbehave, one after the other: what is made of each, and by which the mail goes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from benchmarks.chaos.ending import PATIENCE_SECONDS
from benchmarks.chaos.judging import judge
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import free_port, wait_until
from tests.rigs.rogue import black_hole_at
from tests.rigs.scripted_smtp import Drip, Drop, Script, ScriptedServer, Silence, scripted_server

#: What the primary does instead of what it should, by step.
MISBEHAVIOUR: Final[Mapping[str, Script]] = {
    "greets with 421": Script({"GREETING": "421 4.3.2 not now"}),
    "greets with 554": Script({"GREETING": "554 5.3.2 no service"}),
    "says nothing": Script({"GREETING": Silence()}),
    "greets a byte at a time": Script({"GREETING": Drip("220 scripted.test ESMTP", 0.1)}),
    "hangs up when connected": Script({"GREETING": Drop()}),
    "hangs up at EHLO": Script({"EHLO": Drop()}),
    "hangs up at MAIL": Script({"MAIL": Drop()}),
    "hangs up at RCPT": Script({"RCPT": Drop()}),
    "hangs up at DATA": Script({"DATA": Drop()}),
    "hangs up in the text": Script({"TEXT": Drop()}),
    "refuses the sender for now": Script({"MAIL": "451 4.3.0 later"}),
    "refuses the sender for good": Script({"MAIL": "550 5.7.60 may not send as this sender"}),
    "greylists": Script({"RCPT": "450 4.2.0 greylisted"}),
    "mailbox over quota": Script({"RCPT": "452 4.2.2 over quota"}),
    "wants less of us": Script({"MAIL": "432 4.3.2 concurrent connections exceeded"}),
    "refuses the text for now": Script({".": "451 4.3.0 later"}),
    "refuses the text for good": Script({".": "554 5.6.0 not this text"}),
    "421 after each text": Script(after_text="421 4.7.0 enough"),
    "never says goodbye": Script({"QUIT": Silence()}),
    "hangs up after the dot": Script({".": Drop()}),
}
_SHORT: Final = (
    "says nothing",
    "hangs up at DATA",
    "greylists",
    "421 after each text",
    "hangs up after the dot",
)
_RATIO: Final = 0.9


def misbehaviour(setting: Setting) -> Outcome:
    """One notification for each kind, with a willing secondary; and a port that refuses, and a black hole."""
    kinds = _SHORT if setting.short else tuple(MISBEHAVIOUR)
    outcome = Outcome(
        "servers-misbehave", "the primary, at each stage; the secondary is well", len(kinds) + 2
    )
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as secondary,
        installation.worker(),
    ):
        installation.runtime.store.change(
            {"timeouts.connect_seconds": 3, "timeouts.command_reply_seconds": 5}, author="chaos"
        )
        table = {}
        for kind in kinds:
            with scripted_server(MISBEHAVIOUR[kind]) as primary:
                installation.configure(primary=primary.port, secondary=secondary)
                table[kind] = _one(installation, primary)
        installation.configure(primary=free_port(), secondary=secondary)
        table["refuses connections"] = _one(installation, None)
        with black_hole_at("127.0.0.1", 0) as port:
            installation.configure(primary=port, secondary=secondary)
            table["black hole"] = _one(installation, None)
    outcome.figures["table"] = table
    for kind, row in table.items():
        expected = "waiting" if kind == "hangs up after the dot" else "delivered"
        outcome.expect(that=row.startswith(expected), else_fault=f"{kind}: {row}")
    outcome.seconds = time.monotonic() - began
    return outcome


def _one(installation: Installation, primary: ScriptedServer | None) -> str:
    """What became of one notification, in one line."""
    published = installation.publish()
    began = time.monotonic()
    # Unsure ones are sent again after a minute at the least, and by the same server: they are looked at now.
    record = installation.wait_state(
        published.id, "delivered", "waiting", "failed", "uncertain", seconds=PATIENCE_SECONDS
    )
    seconds = time.monotonic() - began
    attempts = [
        f"{entry['server']} {entry['verdict']} at {entry.get('stage', '?')}"
        for entry in record.timeline
        if entry.get("server")
    ]
    connections = "" if primary is None else f"; {len(primary.sessions)} connections to the primary"
    return f"{record.state}: {', '.join(attempts)}{connections}; {seconds:.1f} s"


def past_a_black_hole(setting: Setting) -> Outcome:
    """Throughput by the secondary while the primary is known to be a black hole, against a healthy one."""
    count = setting.size(200, 3_000)
    outcome = Outcome("past-a-black-hole", "the primary is a black hole, its breaker open", count * 2)
    began = time.monotonic()
    ids: list[str] = []
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as primary,
        open_mailbox() as secondary,
        black_hole_at("127.0.0.1", 0) as hole,
        installation.worker(),
    ):
        installation.runtime.store.change({"timeouts.connect_seconds": 3}, author="chaos")

        def rate() -> float:
            started = time.monotonic()
            ids.extend(installation.publish_many(count // 4))
            _wait_final(installation, len(ids))
            return count / 4 / (time.monotonic() - started)

        rates: dict[str, list[float]] = {"healthy": [], "past": []}
        # In turns, because a busy machine is not as fast in one minute as in the next.
        for _ in range(4):
            installation.configure(primary=primary, secondary=secondary)
            rates["healthy"].append(rate())
            installation.configure(primary=hole, secondary=secondary)
            while not _is_open(installation):
                ids.extend(installation.publish_many(4))
                _wait_final(installation, len(ids))
            rates["past"].append(rate())
        judge(installation, ids, [primary, secondary]).tell(outcome)
    healthy, past = (sum(rates[name]) / 4 for name in ("healthy", "past"))
    outcome.notifications = len(ids)
    outcome.figures |= {
        "healthy_per_second": round(healthy, 1),
        "past_the_black_hole_per_second": round(past, 1),
        "ratio": round(past / healthy, 2),
    }
    if not setting.short:
        # In short a single hiccup of the machine decides.
        outcome.expect(that=past / healthy >= _RATIO, else_fault=f"below {_RATIO:.0%} of the healthy rate")
    outcome.seconds = time.monotonic() - began
    return outcome


def _is_open(installation: Installation) -> bool:
    return any(server.state == "open" for server in installation.runtime.breaker.servers())


def _wait_final(installation: Installation, count: int) -> None:
    wait_until(
        lambda: installation.final_count() >= count, seconds=PATIENCE_SECONDS, what=f"{count} being final"
    )
