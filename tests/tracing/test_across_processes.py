"""One trace from the program that gives a notification to the server's reply, over real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.embedded import PROJECT
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import ADDRESS, SUBJECT, TEXT, Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import free_port
from tests.rigs.trace_receiver import ReceivedSpan, TraceReceiver, trace_receiver

PAST_THE_FIRST_GAP_SECONDS = 16.0


@pytest.fixture
def receiver() -> Iterator[TraceReceiver]:
    with trace_receiver() as running:
        yield running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path, receiver: TraceReceiver) -> Iterator[Installation]:
    with running_installation(tmp_path, **receiver.environ) as running:
        yield running


def send(installation: Installation) -> None:
    """By the command line, a process of its own."""
    command = [sys.executable, "-m", "console.cli.main", "send", "email", "--to", ADDRESS]
    command += ["--subject", SUBJECT, "--message", TEXT]
    subprocess.run(
        command, cwd=PROJECT, env=installation.environ, check=True, capture_output=True, timeout=60
    )


def tree(spans: list[ReceivedSpan], root: ReceivedSpan) -> dict[str, str]:
    """The spans below a root by name, each with its parent's name."""
    by_id = {each.span: each for each in spans if each.trace == root.trace}
    return {each.name: by_id[each.parent].name for each in by_id.values() if each.parent in by_id}


@pytest.mark.parametrize(
    "options, broker_database",
    [((), 0), (("--pool=prefork", "--concurrency=1"), 1)],
    ids=["threads", "prefork, with a broker apart"],
)
def test_one_trace_leads_from_the_publisher_to_the_reply_of_the_server(
    installation: Installation,
    mailbox: Mailbox,
    receiver: TraceReceiver,
    options: tuple[str, ...],
    broker_database: int,
) -> None:
    installation.configure(primary=free_port(), secondary=mailbox)
    broker = f"{installation.server.url.removesuffix('/0')}/{broker_database}"
    installation.environ["NOTIFY_BROKER_URL"] = broker
    with installation.worker(*options):
        send(installation)
        (root,) = receiver.wait("pass")
        receiver.wait("accept")
        receiver.wait("smtp final")
    (accept,) = receiver.named("accept")
    assert tree(receiver.spans, accept) == {
        "ledger": "accept",
        **({"enqueue": "accept"} if broker_database else {}),
        "pass": "accept",
        "claim": "pass",
        "route": "pass",
        "attempt": "pass",
        "finish": "pass",
        **dict.fromkeys(("smtp resolve", "smtp connect", "smtp greeting", "smtp ehlo"), "attempt"),
        **dict.fromkeys(("smtp mail", "smtp rcpt"), "attempt"),
        **dict.fromkeys(("smtp data", "intent", "smtp final"), "attempt"),
    }
    assert {(each.name, each.service) for each in (accept, root)} == {
        ("accept", "notify-cli"),
        ("pass", "notify-worker"),
    }
    primary, secondary = sorted(receiver.named("attempt"), key=lambda each: each.start_ns)
    assert primary.attributes == {
        "notify.server": "primary_email",
        "network.protocol.name": "smtp",
        "notify.stage": "connect",
        "notify.verdict": "server_down",
        "notify.recipients": 1,
    }
    assert primary.error == "the server refuses connections"
    assert secondary.error == ""
    assert secondary.attributes["notify.verdict"] == "delivered"
    assert secondary.attributes["smtp.response.status_code"] == 250
    assert root.attributes["notify.state"] == "delivered"
    assert root.attributes["messaging.message.id"] == accept.attributes["messaging.message.id"]
    steps = [each for each in receiver.spans if each.parent == secondary.span]
    assert all(secondary.start_ns <= each.start_ns <= each.end_ns <= secondary.end_ns for each in steps)
    for secret in (ADDRESS, SUBJECT, TEXT, "127.0.0.1"):
        assert not any(secret.encode() in body for body in receiver.raw), secret


def test_later_passes_are_traces_of_their_own_that_lead_to_the_first(
    installation: Installation, mailbox: Mailbox, receiver: TraceReceiver
) -> None:
    installation.configure(primary=mailbox)
    mailbox.go_down()
    with installation.worker():
        send(installation)
        receiver.wait("pass")
        (accept,) = receiver.wait("accept")
        installation.wait_state(accept.attributes["messaging.message.id"], "waiting")
        mailbox.come_up()
        installation.server.advance(PAST_THE_FIRST_GAP_SECONDS)
        first, second = sorted(receiver.wait("pass", 2), key=lambda each: each.start_ns)
    assert (first.trace, first.links) == (accept.trace, ())
    assert second.trace != accept.trace
    assert second.links == ((accept.trace, accept.span),)
    assert (second.attributes["notify.pass"], second.attributes["notify.state"]) == (2, "delivered")


def test_what_another_app_traces_goes_on_in_the_worker(
    installation: Installation, mailbox: Mailbox, receiver: TraceReceiver, tmp_path: Path
) -> None:
    installation.configure(primary=mailbox)
    theirs = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{theirs}-b7ad6b7169203331-01"}
    with installation.worker():
        send_tasks(
            installation.server.url,
            [{"kwargs": {"notification": email()}, "headers": headers}],
            folder=tmp_path,
        )
        receiver.wait("pass")
    (submit,) = receiver.wait("submit")
    assert (submit.trace, submit.parent) == (theirs, "b7ad6b7169203331")
    assert tree(receiver.spans, submit)["pass"] == "accept"
    assert tree(receiver.spans, submit)["accept"] == "submit"


def test_a_collector_that_is_away_costs_no_delivery(tmp_path: Path, mailbox: Mailbox) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with running_installation(tmp_path, **away) as installation:
        installation.configure(primary=mailbox)
        with installation.worker() as worker:
            for each in installation.publish_many(5):
                installation.wait_state(each, "delivered")
            worker.wait_logged("logger=opentelemetry")
        assert "127.0.0.1" not in "".join(
            line for line in worker.log().splitlines() if "logger=opentelemetry" in line
        )
