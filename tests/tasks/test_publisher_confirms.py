"""What was published is counted until the broker has said of all of it whether it has it."""

from __future__ import annotations

import pytest

from tasks.publisher_confirms import PublisherConfirms


@pytest.fixture
def confirms() -> PublisherConfirms:
    counted = PublisherConfirms()
    for _ in range(4):
        counted.published()
    return counted


def test_answers_may_come_in_any_order_and_for_many_at_once(confirms: PublisherConfirms) -> None:
    confirms.answered(4, multiple=False)
    confirms.answered(2, multiple=True)
    assert confirms.are_awaited
    confirms.answered(3, multiple=False)
    assert not confirms.are_awaited
    assert not confirms.take_refusal()


def test_one_that_the_broker_could_not_take_is_told_once(confirms: PublisherConfirms) -> None:
    confirms.answered(1, multiple=False, has_it=False)
    confirms.answered(4, multiple=True)
    assert not confirms.are_awaited
    assert [confirms.take_refusal(), confirms.take_refusal()] == [True, False]


def test_a_new_channel_counts_from_one(confirms: PublisherConfirms) -> None:
    confirms.restart()
    assert not confirms.are_awaited
    confirms.published()
    confirms.answered(1, multiple=False)
    assert not confirms.are_awaited
