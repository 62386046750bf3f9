"""What each verdict means for the breaker."""

from __future__ import annotations

import pytest
import redis

from tasks.breaker import Breaker, Meaning, meaning_of
from tasks.breaker.meaning import MEANINGS
from tasks.verdict import Verdict


def test_every_verdict_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Verdict)


def test_only_a_server_that_is_down_or_silent_counts_and_only_a_misconfigured_one_opens_at_once() -> None:
    by_meaning = {each: {v for v in Verdict if meaning_of(v) is each} for each in Meaning}
    assert by_meaning[Meaning.DOWN] == {Verdict.SERVER_DOWN, Verdict.UNCERTAIN}
    assert by_meaning[Meaning.MISCONFIGURED] == {Verdict.MISCONFIGURED}
    assert by_meaning[Meaning.NOTHING] == {Verdict.THROTTLED, Verdict.STALE_CONNECTION}


def test_an_attempt_that_judged_each_recipient_by_itself_was_completed() -> None:
    assert meaning_of(None) is Meaning.COMPLETED


@pytest.mark.parametrize("verdict", [Verdict.THROTTLED, Verdict.STALE_CONNECTION])
def test_what_says_nothing_of_the_server_is_not_even_written(
    redis_server: redis.Redis, verdict: Verdict
) -> None:
    breaker = Breaker(redis_server)
    assert breaker.report("f1", verdict, name="primary_email", token="t", began_ms=1) is None
    assert redis_server.dbsize() == 0
