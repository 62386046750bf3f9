"""`/metrics` of real workers: of threads, of a forking pool, and where the port is taken."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.rigs.installation import ADDRESS, SUBJECT, TEXT, Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import free_port, wait_until
from workers.living_children import LivingChildren
from workers.shared_counts import FOLDER_VARIABLE


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        content: str = answer.read().decode()
    return content


def value(text: str, name: str, **labels: str) -> float:
    """One sample, of which there must be exactly one."""
    (found,) = (
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    )
    return found


@pytest.mark.parametrize("options", [(), ("--pool=prefork", "--concurrency=2")], ids=["threads", "prefork"])
def test_a_worker_tells_what_it_did_and_how_the_fleet_stands(
    installation: Installation, mailbox: Mailbox, options: tuple[str, ...]
) -> None:
    installation.configure(primary=mailbox)
    port = free_port()
    with installation.worker(*options, NOTIFY_METRICS_PORT=str(port)):
        before = scraped(port)
        delivered = {"server": "primary_email", "stage": "final", "verdict": "delivered"}
        if not options:
            assert value(before, "notify_attempts_total", **delivered) == 0
        for each in installation.publish_many(20, to=[ADDRESS], message=TEXT):
            installation.wait_state(each, "delivered")
        wait_until(lambda: value(scraped(port), "notify_workers") == 1, what="the worker being told of")
        after = scraped(port)
    assert value(after, "notify_attempts_total", **delivered) == 20
    assert value(after, "notify_connections", server="primary_email", state="idle") >= 1
    assert value(after, "notify_connections", server="primary_email", state="busy") == 0
    assert value(after, "notify_connections", server="secondary_sms", state="busy") == 0
    assert value(after, "notify_delivery_seconds_count", channel="email") == 20
    assert value(after, "notify_workers") == 1
    assert value(after, "notify_options_revision") == 1
    assert not [word for word in (ADDRESS, SUBJECT, TEXT, "127.0.0.1") if word in after]


def test_what_a_killed_child_had_open_is_not_told_any_more(tmp_path: Path) -> None:
    program = (
        "from prometheus_client import Gauge, Counter\n"
        "Gauge('g', 'g', multiprocess_mode='livesum').set(3)\nCounter('c', 'c').inc()\n"
    )
    environ = {**os.environ, FOLDER_VARIABLE: str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", f"{program}print(flush=True)\ninput()"],
        env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        assert _samples(LivingChildren(str(tmp_path))) == {"g": 3, "c_total": 1}
        child.kill()
    assert _samples(LivingChildren(str(tmp_path))) == {"c_total": 1}


def _samples(collector: LivingChildren) -> dict[str, float]:
    return {sample.name: sample.value for family in collector.collect() for sample in family.samples}


def test_a_port_that_is_taken_is_told_and_stops_no_mail(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    with installation.worker(NOTIFY_METRICS_PORT=str(mailbox.port)) as worker:
        installation.wait_state(installation.publish().id, "delivered")
        worker.wait_logged(f"metrics_not_served address=127.0.0.1:{mailbox.port}")


def test_a_worker_that_is_told_nothing_listens_on_nothing(installation: Installation) -> None:
    with installation.worker() as worker:
        assert "metrics_served" not in worker.log()


def test_a_port_that_is_none_ends_the_worker_with_one_sentence(installation: Installation) -> None:
    with installation.worker(NOTIFY_METRICS_PORT="many", wait=False) as worker:
        assert worker.wait_end() == 1
    assert worker.log().startswith("error: NOTIFY_METRICS_PORT must be a port")
