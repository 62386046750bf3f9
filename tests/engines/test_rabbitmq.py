"""RabbitMQ as broker: what is its own, with a real node, workers and programs of others."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import kombu
import pytest
from amqp.exceptions import PreconditionFailed
from kombu.exceptions import OperationalError

from console.doctor.broker_facts import broker_facts
from tasks import broker
from tasks.bells import Bells
from tasks.broker import QUEUE_OF_LANE
from tests.rigs.faketime_redis import faketime_redis
from tests.rigs.foreign_app import send_by_client, send_tasks
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import free_port, wait_until
from tests.rigs.rabbitmq import RabbitMQ, as_others_do, kinds

PAST_THE_RING_SECONDS = 31.0
PAST_THE_LEASE_AND_RESEND_SECONDS = 92.0
QUEUES = tuple(QUEUE_OF_LANE.values())
#: Without content type, of an unknown one, no task, odd headers, and what would end Celery.
GARBAGE: tuple[tuple[bytes, dict[str, object]], ...] = (
    (b"no json", {}),
    (b"\xff\xfe", {"content_type": "application/json", "content_encoding": "utf-8"}),
    (
        b"[]",
        {"content_type": "application/x-python-serialize", "headers": {"task": "notify.submit", "id": "x"}},
    ),
    (b"[1]", {"content_type": "application/json", "content_encoding": "utf-8"}),
    (b"{}", {"content_type": "application/json", "headers": {"task": ["notify.submit"], "id": "x"}}),
    (b"{}", {"content_type": "application/json", "headers": {"task": "notify.submit"}}),
    (b"{}", {"content_type": "application/json", "headers": {"task": "notify.other", "id": "x"}}),
    (b"[" * 100_000, {"content_type": "application/json", "headers": {"task": "notify.deliver", "id": "x"}}),
)


@dataclass
class Apart:
    """An installation whose broker is a virtual host of its own."""

    installation: Installation
    mailbox: Mailbox
    url: str


@pytest.fixture
def apart(rabbitmq: RabbitMQ, tmp_path: Path) -> Iterator[Apart]:
    url = rabbitmq.take_host()
    with open_mailbox() as mailbox, faketime_redis(tmp_path / "redis") as server:
        installation = Installation(server, tmp_path, NOTIFY_BROKER_URL=url)
        installation.configure(primary=mailbox)
        try:
            yield Apart(installation, mailbox, url)
        finally:
            installation.runtime.close()


def test_our_queues_are_quorum_queues_and_a_classic_one_is_told_to_whoever_meets_it(
    apart: Apart,
) -> None:
    assert apart.installation.runtime.bells.depth("normal") == 0
    assert kinds(apart.url, QUEUES) == {"notify.normal": "quorum"}
    with as_others_do(apart.url) as connection:
        with pytest.raises(PreconditionFailed, match="inequivalent arg 'x-queue-type'"):
            connection.channel().queue_declare("notify.normal", durable=True, auto_delete=False)
        connection.channel().queue_declare("notify.low", durable=True, auto_delete=False)
    # A publisher asks only how many wait there, and rings all the same.
    published = apart.installation.publish(priority="low")
    found = broker_facts(apart.installation.environment).rabbitmq
    assert found is not None
    assert found.version.startswith("3.")
    assert found.other_kind == ("notify.low",)
    with apart.installation.worker(wait=False) as worker:
        worker.wait_logged("queue_of_other_kind queue=notify.low")
        assert worker.process.poll() is None
        with as_others_do(apart.url) as connection:
            connection.channel().queue_delete("notify.low")
        worker.wait_logged(" ready.")
        apart.installation.server.advance(PAST_THE_RING_SECONDS)
        apart.installation.wait_state(published.id, "delivered", seconds=60)
        found = broker_facts(apart.installation.environment).rabbitmq
        assert found is not None
        assert (found.other_kind, found.unread) == ((), 0)
        assert found.consumers == dict.fromkeys(QUEUES, 1)


def test_an_app_with_celerys_defaults_is_refused_in_words_and_the_client_is_not(
    apart: Apart, tmp_path: Path
) -> None:
    ledger = apart.installation.server.url
    environ = {"NOTIFY_BROKER_URL": apart.url, "NOTIFY_REDIS_URL": ledger}
    with apart.installation.worker():
        with pytest.raises(AssertionError, match="PRECONDITION_FAILED - inequivalent arg 'x-queue-type'"):
            send_tasks(apart.url, [{"kwargs": {"notification": email()}}], folder=tmp_path, backend=ledger)
        sent = send_by_client(tmp_path, environ, wait_seconds=30)
        record = apart.installation.wait_state(sent["id"], "delivered")
        assert sent["number"] == record.number
    away = {**environ, "NOTIFY_BROKER_URL": f"amqp://127.0.0.1:{free_port()}//"}
    assert send_by_client(tmp_path, away)["error"] == "BrokerUnavailable"


def test_garbage_ends_no_worker_holds_nothing_up_and_stays_in_no_queue(apart: Apart) -> None:
    bells = apart.installation.runtime.bells
    with apart.installation.worker() as worker:
        with as_others_do(apart.url) as connection:
            producer = kombu.Producer(connection)
            for body, options in GARBAGE:
                producer.publish(body, exchange="", routing_key="notify.normal", **options)
        published = apart.installation.publish()
        apart.installation.wait_state(published.id, "delivered")
        wait_until(
            lambda: worker.log().count("message_dropped") >= len(GARBAGE) - 1, what="the garbage being named"
        )
        assert worker.process.poll() is None
        assert "no json" not in worker.log()
    assert bells.depth("normal") == 0


def test_a_broker_that_is_wiped_loses_no_notification(apart: Apart) -> None:
    installation = apart.installation
    ids = installation.publish_many(50)
    with as_others_do(apart.url) as connection:
        assert connection.channel().queue_declare("notify.normal", passive=True).message_count > 0
        connection.channel().queue_delete("notify.normal")
    with installation.worker() as worker:
        installation.server.advance(PAST_THE_RING_SECONDS)
        wait_until(lambda: not installation.open_count(), seconds=60, what="everything being final")
        with as_others_do(apart.url) as connection:
            for queue in QUEUES:
                connection.channel().queue_delete(queue)
        # The worker makes them anew, by itself.
        wait_until(
            lambda: set(kinds(apart.url, QUEUES).values()) == {"quorum"}, what="the queues being there"
        )
        again = installation.publish()
        installation.server.advance(PAST_THE_RING_SECONDS)
        installation.wait_state(again.id, "delivered", seconds=60)
        assert worker.process.poll() is None
    assert apart.mailbox.counts() == dict.fromkeys([*ids, again.id], 1)


@pytest.mark.timeout(300)
def test_the_worker_and_a_publisher_go_on_after_the_node_was_killed(apart: Apart, rabbitmq: RabbitMQ) -> None:
    installation, mailbox = apart.installation, apart.mailbox
    # A node that is killed within half a second after a queue was made forgets how to open it (3.10): with 16
    # slots this takes longer.
    mailbox.take_slowly(0.25)
    with installation.worker() as worker:
        ids = installation.publish_many(120)
        wait_until(lambda: mailbox.taken >= 70, seconds=60, what="a worker in the middle of it")
        rabbitmq.kill()
        began = time.monotonic()
        ids.append(installation.publish().id)
        assert time.monotonic() - began < 20, "accepted, within a bounded time"
        rabbitmq.start()
        ids.append(installation.publish().id)
        wait_until(
            lambda: not installation.open_count("queued", "waiting"), seconds=60, what="what was taken"
        )
        installation.server.advance(PAST_THE_RING_SECONDS)
        wait_until(lambda: not installation.open_count("waiting"), seconds=60, what="the rest being taken")
        installation.server.advance(PAST_THE_LEASE_AND_RESEND_SECONDS)
        wait_until(lambda: not installation.open_count(), seconds=60, what="everything being final")
        assert worker.process.poll() is None, "it was this worker that did it all"
        assert "prefetch" not in worker.log(), "as much is pushed to it as before"
    assert set(mailbox.counts()) == set(ids)


def test_a_worker_that_leaves_a_queue_gives_back_what_has_not_gone_through(apart: Apart) -> None:
    bells = apart.installation.runtime.bells
    got: list[object] = []
    with broker.connection(apart.url) as connection:
        channel = connection.channel()
        channel.basic_qos(0, 2, False)  # noqa: FBT003  # amqp has no names for them
        tags = {}
        for lane in ("normal", "low"):
            bells.room(lane)
            channel.queue_declare(QUEUE_OF_LANE[lane])
            _publish(apart.url, QUEUE_OF_LANE[lane], times=3)
            tags[lane] = channel.basic_consume(QUEUE_OF_LANE[lane], callback=got.append)
            # Two of each are pushed; those of the first queue alone go through.
            _drain_until(connection, lambda lane=lane: _ready(apart.url, lane) == 1)  # type: ignore[misc]
        assert len(got) == 2
        channel.basic_cancel(tags["low"])
        _drain_until(connection, lambda: _ready(apart.url, "low") == 3)
        channel.basic_ack(got[0].delivery_tag)  # type: ignore[attr-defined]
        _drain_until(connection, lambda: len(got) == 3)
    assert {str(message.delivery_info["routing_key"]) for message in got} == {"notify.normal"}  # type: ignore[attr-defined]


def _publish(url: str, queue: str, *, times: int) -> None:
    with as_others_do(url) as connection:
        producer = kombu.Producer(connection)
        for _ in range(times):
            producer.publish({}, exchange="", routing_key=queue)


def _ready(url: str, lane: str) -> int:
    with as_others_do(url) as connection:
        count: int = connection.channel().queue_declare(QUEUE_OF_LANE[lane], passive=True).message_count
        return count


def _drain_until(connection: kombu.Connection, condition: Callable[[], bool]) -> None:
    def is_so() -> bool:
        with contextlib.suppress(TimeoutError):
            connection.drain_events(timeout=0.1)
        return condition()

    wait_until(is_so, what="the broker having pushed it")


def test_a_publisher_waits_no_longer_than_it_may_for_a_node_that_hangs(
    apart: Apart, rabbitmq: RabbitMQ
) -> None:
    bells = Bells(apart.url)
    assert bells.depth("high") == 0
    rabbitmq.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(OperationalError):
            bells.ring([("some-id", "high", 0)])
        assert time.monotonic() - began < 60
    finally:
        rabbitmq.signal(signal.SIGCONT)
    wait_until(lambda: _rings(bells), seconds=60, what="the same publisher ringing again")
    bells.close()


def _rings(bells: Bells) -> bool:
    with contextlib.suppress(OperationalError):
        return bells.ring([("some-id", "high", 0)]) == 1
    return False


def test_rabbitmq_over_tls_is_verified_by_certificate_and_name(rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    host = rabbitmq.take_host().rpartition("/")[2]
    trusted = str(rabbitmq.folder.parent / "authority.pem")
    with open_mailbox() as mailbox, faketime_redis(tmp_path / "redis") as server:
        more = {"NOTIFY_BROKER_URL": rabbitmq.tls_url(host), "NOTIFY_REDIS_CA_FILE": trusted}
        installation = Installation(server, tmp_path, **more)
        installation.configure(primary=mailbox)
        with installation.worker():
            published = installation.publish()
            installation.wait_state(published.id, "delivered")
        installation.runtime.close()
        unknown = Installation(server, tmp_path, NOTIFY_BROKER_URL=rabbitmq.tls_url(host))
        with pytest.raises(OperationalError, match="certificate verify failed"):
            unknown.runtime.bells.depth("normal")
