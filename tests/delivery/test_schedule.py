"""When a notification is tried again, as a table and over a whole outage of a day."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.schedule import GAPS_SECONDS, LAST_GAP_SECONDS, gap_seconds
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONGEST = [15.0, 45.0, 4 * MINUTE, 10 * MINUTE, 15 * MINUTE, HOUR, HOUR, HOUR]


@pytest.mark.parametrize("draw, share", [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_gaps_are_those_of_the_table_times_a_half_to_one(draw: float, share: float) -> None:
    gaps = [gap_seconds(passes, draw=draw) for passes in range(1, 9)]
    assert gaps == [longest * share for longest in LONGEST]


@given(passes=st.integers(1, 10_000), draw=st.floats(0, 1))
def test_no_gap_is_longer_than_its_longest_or_shorter_than_half_of_it(passes: int, draw: float) -> None:
    longest = GAPS_SECONDS[passes - 1] if passes <= 5 else LAST_GAP_SECONDS
    assert longest / 2 <= gap_seconds(passes, draw=draw) <= longest


def passes_at(bench: Bench) -> list[float]:
    """Seconds after the acceptance at which each pass began."""
    accepted_at = bench.record().accepted_at_ms
    return sorted({(entry["at"] - accepted_at) / 1000 for entry in bench.timeline() if "pass" in entry})


def test_an_email_is_tried_for_a_day_and_then_waits_for_a_person(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.go_down()
    secondary.go_down()
    bench.accept_email()
    record = bench.run_out()
    at = passes_at(bench)
    early = [0.0, 15.0, 60.0, 300.0, 900.0, 1800.0]
    assert at == early + [1800.0 + hour * HOUR for hour in range(1, 24)]
    assert record.passes == len(at)
    assert record.state == "expired"
    assert record.finished_at_ms == record.accepted_at_ms + DAY * 1000
    assert record.reason == (
        "expired: primary_email: the connection was lost; secondary_email: the connection was lost"
    )
    assert bench.queries.due_scores()["normal"] == {}


def test_the_timeline_of_an_outage_reads_from_top_to_bottom(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["GREETING"] = "554 no service"
    secondary.answers["GREETING"] = "554 no service"
    bench.accept_email()
    record = bench.run_out()
    *attempts, last = record.timeline
    assert [entry["pass"] for entry in attempts] == [
        number for each in range(1, record.passes + 1) for number in (each, each)
    ]
    assert {entry["server"] for entry in attempts[::2]} == {"primary_email"}
    assert {entry["server"] for entry in attempts[1::2]} == {"secondary_email"}
    assert [entry["at"] for entry in attempts] == sorted(entry["at"] for entry in attempts)
    for earlier, later in zip(attempts[1::2], attempts[2::2], strict=False):
        assert earlier["next_at"] == later["at"]
    assert attempts[-1]["next_at"] == record.expires_at_ms
    assert (last["verdict"], last["at"]) == ("expired", record.expires_at_ms)
    assert (
        last["reason"] == "primary_email: the server is not ready; secondary_email: the server is not ready"
    )


def test_a_random_schedule_has_more_passes_and_the_same_end(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.go_down()
    secondary.go_down()
    draw = random.Random(7)
    bench.accept_email()
    bench.draw = draw.random()
    bench.deliver()
    while bench.record().finished_at_ms is None:
        bench.draw = draw.random()
        bench.again()
    at = passes_at(bench)
    waits = [later - earlier for earlier, later in itertools.pairwise(at)]
    for number, wait in enumerate(waits, start=1):
        longest = gap_seconds(number, draw=1.0)
        assert longest / 2 <= wait <= longest
    assert 24 + 5 < len(at) < 2 * 24 + 7
    assert bench.record().finished_at_ms == bench.record().accepted_at_ms + DAY * 1000


def test_a_text_is_tried_for_four_hours(bench: Bench, primary: MailServer) -> None:
    primary.go_down()
    bench.accept_text()
    record = bench.run_out()
    assert record.state == "expired"
    assert record.finished_at_ms == record.accepted_at_ms + 4 * HOUR * 1000
    assert passes_at(bench)[-1] == 1800.0 + 3 * HOUR


def test_the_age_limits_are_options(bench: Bench, primary: MailServer) -> None:
    bench.set(delivery__email_age_limit_hours=1)
    primary.go_down()
    bench.accept_email()
    record = bench.run_out()
    assert record.finished_at_ms == record.accepted_at_ms + HOUR * 1000
    assert record.passes == 6


def test_the_longest_gap_is_an_option_that_holds_for_the_next_gap(bench: Bench, primary: MailServer) -> None:
    primary.answers["MAIL"] = "451 4.3.0 trouble"
    bench.accept_email()
    waits = [bench.deliver().wait_seconds]
    waits += [bench.again().wait_seconds for _ in range(2)]
    bench.set(delivery__longest_gap_minutes=5)
    waits += [bench.again().wait_seconds for _ in range(4)]
    bench.set(delivery__longest_gap_minutes=120)
    waits += [bench.again().wait_seconds for _ in range(2)]
    assert waits == [15, 45, 240, 300, 300, 300, 300, 7200, 7200]


def test_expires_ends_it_before_the_age_limit(bench: Bench, primary: MailServer) -> None:
    primary.go_down()
    expires = datetime.fromtimestamp(bench.clock.now_ms / 1000 + 100, tz=UTC).isoformat()
    bench.accept_email(expires=expires)
    record = bench.run_out()
    assert (record.state, record.passes) == ("expired", 3)
    assert record.finished_at_ms == record.accepted_at_ms + 100_000
    assert record.timeline[-2]["next_at"] == record.expires_at_ms


def test_a_server_that_comes_back_within_the_day_gets_it_at_the_next_pass(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.go_down()
    secondary.go_down()
    bench.accept_email()
    bench.deliver()
    for _ in range(20):
        assert bench.again().state == "waiting"
    secondary.come_up()
    assert bench.again().state == "delivered"
    assert secondary.got == ["a@x.test"]


def test_a_wait_that_a_server_names_is_a_minimum_and_no_maximum(bench: Bench, primary: MailServer) -> None:
    primary.answers["DOT"] = ["452 4.3.1 disk full, come back in 20 seconds"] * 3
    bench.accept_email()
    assert bench.deliver().wait_seconds == 20.0
    assert bench.again().wait_seconds == 45.0
    assert bench.again().wait_seconds == 240.0
    assert bench.again().state == "delivered"
