"""Mail servers that misbehave, one after the other: what is made of each, and by which the mail goes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from benchmarks.chaos.ending import PATIENCE_SECONDS
from benchmarks.chaos.judging import judge
from benchmarks.chaos.misbehaviour import (
    CONNECT_SECONDS,
    PLAIN,
    REPLY_SECONDS,
    Misbehaviour,
    behind_tls,
)
from benchmarks.chaos.outcome import Outcome, Row
from benchmarks.chaos.setting import Setting
from tests.rigs.certificates import make_certificates
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import free_port, wait_until
from tests.rigs.rogue import black_hole_at
from tests.rigs.scripted_smtp import Script, ScriptedServer, scripted_server

#: What stands in the tests: one of each sort.
_SHORT: Final = (
    "says nothing",
    "hangs up at DATA",
    "certificate expired",
    "refuses one of three",
    "takes two at a time (452)",
    "421 after each text",
    "hangs up after the dot",
)
_RATIO: Final = 0.9


def misbehaviour(setting: Setting) -> Outcome:
    """One notification for each kind, with a willing secondary; and a port that refuses, and a black hole."""
    certificates = make_certificates(setting.folder)
    kinds = {**PLAIN, **behind_tls(certificates)}
    kinds = {name: kinds[name] for name in _SHORT} if setting.short else kinds
    outcome = Outcome(
        "servers-misbehave", "the primary, at each stage; the secondary is well", len(kinds) + 2
    )
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as secondary,
        installation.worker(),
    ):
        timeouts = {
            "timeouts.connect_seconds": CONNECT_SECONDS,
            "timeouts.command_reply_seconds": REPLY_SECONDS,
        }
        installation.runtime.store.change(timeouts, author="chaos")
        rows = []
        for name, kind in kinds.items():
            with scripted_server(kind.script) as primary:
                rows.append(_one(installation, name, kind, primary, secondary))
        dead = Misbehaviour(Script(), ("server_down at connect",), connections=0)
        rows.append(_one(installation, "refuses connections", dead, free_port(), secondary))
        with black_hole_at("127.0.0.1", 0) as port:
            silent = replace(dead, least_seconds=CONNECT_SECONDS)
            rows.append(_one(installation, "black hole", silent, port, secondary))
    outcome.table = [("the primary", "verdicts", "delivered by", "dialled", "seconds"), *rows]
    for row, kind in zip(rows, [*kinds.values(), dead, silent], strict=True):
        _expect(outcome, row, kind)
    outcome.seconds = time.monotonic() - began
    return outcome


def _one(
    installation: Installation,
    name: str,
    kind: Misbehaviour,
    primary: ScriptedServer | int,
    secondary: Mailbox,
) -> Row:
    """What became of one notification."""
    port = primary if isinstance(primary, int) else primary.port
    installation.configure(primary=port, secondary=secondary)
    plain = {"primary_email.enable_ssl": False, "tls.ca_bundle": ""}
    installation.runtime.store.change({**plain, **kind.options}, author="chaos")
    published = installation.publish(to=list(kind.to))
    began = time.monotonic()
    # Unsure ones are sent again after a minute at the least, and by the same server: they are looked at now.
    record = installation.wait_state(
        published.id, "delivered", "waiting", "failed", "uncertain", "partial", seconds=PATIENCE_SECONDS
    )
    seconds = time.monotonic() - began
    attempts = [entry for entry in record.timeline if entry.get("server")]
    verdicts = [
        f"{entry['verdict']} at {entry.get('stage', '?')}"
        for entry in attempts
        if entry["server"] == "primary_email"
    ]
    takers = {entry["server"] for entry in attempts if entry["verdict"] == "delivered"}
    by = "both" if len(takers) > 1 else "".join(takers).removesuffix("_email")
    dialled = 0 if isinstance(primary, int) else len(primary.sessions)
    return name, ", ".join(verdicts), by, str(dialled), f"{seconds:.1f}"


def _expect(outcome: Outcome, row: Row, kind: Misbehaviour) -> None:
    name, verdicts, by, dialled, seconds = row
    expected = (", ".join(kind.verdicts), kind.by, str(kind.connections))
    outcome.expect(
        that=(verdicts, by, dialled) == expected,
        else_fault=f"{name}: {verdicts}, by {by or 'nobody'}, dialled {dialled}; expected {expected}",
    )
    outcome.expect(that=float(seconds) >= kind.least_seconds - 0.1, else_fault=f"{name}: only {seconds} s")


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
