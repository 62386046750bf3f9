"""Events of tasks cost nothing while nobody watches, and who begins to watch misses none from then on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery
from celery.events.dispatcher import EventDispatcher

from tests.rigs.installation import Installation
from tests.rigs.listening import listening_to_commands, listening_to_events
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until
from workers import watched_events
from workers.watched_events import ASK_AGAIN_SECONDS, WatchedDispatcher


class Channel:
    """Counts what goes out, to so many who hear it."""

    def __init__(self) -> None:
        self.heard_by: int | None = 0
        self.sent: list[Any] = []


class Producer:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def publish(self, body: Any, routing_key: str, **_options: object) -> None:
        self.channel.sent.append(body if routing_key == "task.multi" else routing_key)


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def send(channel: Channel, now: list[float]) -> Callable[[str], None]:
    """Sends an event and flushes, as a worker does when its loop comes round."""
    dispatcher = WatchedDispatcher(
        app=Celery("test", broker="memory://", set_as_current=False),
        enabled=False,
        hostname="w",
        buffer_group=["task"],
    )
    dispatcher.clock_seconds = lambda: now[0]
    dispatcher.enabled, dispatcher.producer = True, Producer(channel)

    def send_and_flush(kind: str) -> None:
        if kind:
            dispatcher.send(kind, uuid="n1")
        dispatcher.flush()

    return send_and_flush


def dispatcher_of_a_worker(channel: Channel, now: list[float]) -> WatchedDispatcher:
    made = WatchedDispatcher(
        app=Celery("test", broker="memory://", set_as_current=False),
        enabled=False,
        hostname="w",
        buffer_group=["task"],
        on_send_buffered=lambda: None,
    )
    made.clock_seconds = lambda: now[0]
    made.enabled, made.producer = True, Producer(channel)
    return made


def types(channel: Channel) -> list[Any]:
    return [each if isinstance(each, str) else [event["type"] for event in each] for each in channel.sent]


def test_after_one_that_nobody_heard_none_goes_out_for_a_second(
    channel: Channel, now: list[float], send: Callable[[str], None]
) -> None:
    send("task-one")
    send("task-two")
    now[0] += ASK_AGAIN_SECONDS
    send("task-three")
    send("task-four")
    assert types(channel) == [["task-one"], ["task-two", "task-three"]]


def test_an_event_wakes_the_loop_that_flushes_only_where_it_may_go_out(
    channel: Channel, now: list[float]
) -> None:
    woken: list[None] = []
    dispatcher = WatchedDispatcher(
        app=Celery("test", broker="memory://", set_as_current=False),
        enabled=False,
        hostname="w",
        buffer_group=["task"],
        on_send_buffered=lambda: woken.append(None),
    )
    dispatcher.clock_seconds = lambda: now[0]
    dispatcher.enabled, dispatcher.producer = True, Producer(channel)
    dispatcher.send("task-one", uuid="n1")
    assert len(woken) == 1
    dispatcher.flush()
    dispatcher.send("task-two", uuid="n1")
    assert len(woken) == 1
    now[0] += ASK_AGAIN_SECONDS
    channel.heard_by = 1
    dispatcher.send("task-three", uuid="n1")
    dispatcher.flush()
    dispatcher.send("task-four", uuid="n1")
    assert len(woken) == 3
    assert types(channel) == [["task-one"], ["task-two", "task-three"]]


def test_who_sends_many_leaves_the_broker_to_the_loop(channel: Channel, now: list[float]) -> None:
    channel.heard_by = 1
    dispatcher = dispatcher_of_a_worker(channel, now)
    for number in range(100):
        dispatcher.send(f"task-{number}", uuid="n1")
    assert types(channel) == []
    dispatcher.flush()
    assert [kind for some in types(channel) for kind in some] == [f"task-{number}" for number in range(100)]


def test_an_event_that_is_made_when_it_goes_out_is_celerys_own_of_the_moment_it_was_sent(
    channel: Channel,
) -> None:
    app = Celery("test", broker="memory://", set_as_current=False)
    made: list[dict[str, Any]] = []
    for kind in (EventDispatcher, WatchedDispatcher):
        dispatcher = kind(
            app=app, enabled=False, hostname="w", buffer_group=["task"], on_send_buffered=lambda: None
        )
        dispatcher.enabled, dispatcher.producer = True, Producer(channel)
        before = time.time()
        dispatcher.send("task-started", uuid="n1", retries=0)
        after = time.time()
        dispatcher.flush()
        (event,) = channel.sent.pop()
        assert before <= event.pop("timestamp") <= after
        made.append(event)
    theirs, ours = made
    assert ours.pop("clock") == theirs.pop("clock") + 1
    assert ours == theirs


def test_what_was_told_while_the_broker_was_away_goes_out_by_the_dispatcher_after_that(
    channel: Channel, now: list[float]
) -> None:
    before, after = dispatcher_of_a_worker(channel, now), dispatcher_of_a_worker(channel, now)
    before.send("task-one", uuid="n1")
    before.flush()
    before.send("task-two", uuid="n1")
    before.flush()
    # The loop does not come round while it looks for the broker.
    before.send("task-three", uuid="n1")
    before.disable()
    channel.heard_by = 1
    after.send("task-four", uuid="n1")
    after.extend_buffer(before)
    after.flush()
    assert types(channel) == [["task-one"], ["task-two", "task-three", "task-four"]]


def test_a_broker_that_stays_away_costs_no_more_memory_than_the_newest_events_take(
    channel: Channel, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_events, "MOST_WAITING", 2)
    dispatcher = dispatcher_of_a_worker(channel, now)
    for number in range(5):
        dispatcher.send(f"task-{number}", uuid="n1")
    dispatcher.flush()
    assert types(channel) == [["task-3", "task-4"]]


def test_who_came_meanwhile_is_told_what_was_kept_without_another_event(
    channel: Channel, now: list[float], send: Callable[[str], None]
) -> None:
    send("task-one")
    channel.heard_by = 1
    send("task-two")
    send("task-three")
    now[0] += ASK_AGAIN_SECONDS
    send("")
    send("task-four")
    assert types(channel) == [["task-one"], ["task-two", "task-three"], ["task-four"]]


@pytest.mark.parametrize("heard_by", [1, None])
def test_what_is_heard_or_not_counted_goes_out_at_once(
    channel: Channel, send: Callable[[str], None], heard_by: int | None
) -> None:
    channel.heard_by = heard_by
    for kind in ("task-one", "task-two"):
        send(kind)
    assert types(channel) == [["task-one"], ["task-two"]]


def test_events_of_workers_go_out_whoever_hears_them(channel: Channel, send: Callable[[str], None]) -> None:
    for kind in ("task-one", "worker-heartbeat", "worker-heartbeat"):
        send(kind)
    assert types(channel) == [["task-one"], "worker.heartbeat", "worker.heartbeat"]


def test_a_worker_whom_nobody_watches_tells_nobody_and_whoever_comes_misses_nothing(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    with installation.worker():
        installation.wait_state(installation.publish().id, "delivered")
        with listening_to_commands(installation.server.url) as commands:
            alone = [installation.publish().id for _ in range(20)]
            wait_until(lambda: not installation.open_count(), what="everything being final")
        told = [each for each in commands if "PUBLISH /0.celeryev/task." in each]
        assert len(told) < len(alone)
        with listening_to_events(installation.server.url) as events:
            watched = installation.publish().id

            def seen() -> list[str]:
                return [each["type"] for each in list(events) if each.get("uuid") == watched]

            whole = ["task-received", "task-started", "task-succeeded"]
            wait_until(lambda: seen() == whole, what="the whole row")
