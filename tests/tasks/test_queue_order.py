"""High first, low last, nobody starved; the same in every worker."""

from __future__ import annotations

import pytest
from kombu.utils.scheduling import cycle_by_name

from tasks import broker
from tasks.queue_order import TURN_FOR_THE_LAST, LaneOrder

QUEUES = {"notify.low", "notify.files", "notify.high", "notify.normal"}
FIRST_TO_LAST = ["notify.high", "notify.normal", "notify.files", "notify.low"]


@pytest.fixture
def order() -> LaneOrder:
    lanes = LaneOrder()
    lanes.update(QUEUES)
    return lanes


def test_lanes_are_looked_at_from_high_to_low(order: LaneOrder) -> None:
    assert order.consume(4) == FIRST_TO_LAST
    order.rotate("notify.high")
    assert order.consume(4) == FIRST_TO_LAST


def test_one_look_in_ten_begins_with_the_lowest(order: LaneOrder) -> None:
    looks = [order.consume(4)[0] for _ in range(TURN_FOR_THE_LAST * 3)]
    assert looks.count("notify.low") == 3


def test_queues_of_others_come_last(order: LaneOrder) -> None:
    order.update({*QUEUES, "celery"})
    assert order.consume(5)[-1] == "celery"


def test_kombu_finds_the_strategy_by_the_name_that_the_broker_options_give() -> None:
    name = broker.transport_options()["queue_order_strategy"]
    assert cycle_by_name(name) is LaneOrder
