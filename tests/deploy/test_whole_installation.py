"""A day of a whole installation, with deploy's users of Redis, and secrets in every place that takes one.

Redis refuses nobody what is theirs to do, and nothing that anybody was shown holds a secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from settings_store.access import GRANTABLE
from tests.rigs.certificates import make_certificates
from tests.rigs.day import Day
from tests.rigs.guarded_redis import running_guarded_redis
from tests.rigs.whole_day import SEEN, lived_day

#: Where nothing is shown that names a host or an address, and what shows that somebody looked.
BARE = {
    "probes": "notify_notifications",
    "metrics of the worker": 'notify_attempts_total{server="secondary_email"',
    "log of the worker": "notify.deliver",
    "log of the console": "console at ",
    "log of Flower": "Visit me at",
    "cli server": "secondary_email",
    "cli message": "delivered",
    "cli attachment": "report.txt",
    "cli share": "files.example",
    "cli keys": "resealed",
    "cli doctor": "primary_email",
    "Flower": "'delivered'",
    "files of Redis": "planted:written",
}
#: Where the word shows that may.
TELLING = (
    "pages as anna",
    *(f"pages as {each.value}" for each in GRANTABLE if each.value.endswith("server_options")),
    "forms",
    "API",
    "cli options",
    "cli audit",
    "Redis",
)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("day")
    certificates = make_certificates(folder)
    with running_guarded_redis(folder) as redis, lived_day(redis, folder, certificates) as lived:
        yield lived


@pytest.mark.timeout(600)
def test_redis_refuses_nobody_what_is_theirs_to_do(day: Day) -> None:
    assert day.redis.refused() == []


@pytest.mark.timeout(600)
def test_nothing_that_anybody_was_shown_holds_a_secret(day: Day) -> None:
    for place, texts in day.shown.items():
        assert texts, place
        try:
            day.planted.look(*texts)
        except AssertionError as leak:
            pytest.fail(f"{place}: {leak}")


@pytest.mark.timeout(600)
def test_every_place_was_looked_at_where_something_can_be_seen(day: Day) -> None:
    for place in TELLING:
        assert SEEN in "".join(day.shown[place]), place
    for place, word in BARE.items():
        assert word in "".join(day.shown[place]), place
    roles = {f"pages as {each.value}" for each in GRANTABLE}
    assert day.shown.keys() >= roles
    assert [*day.shown] == [place for place, texts in day.shown.items() if any(texts)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("hide", [str, json.dumps, lambda secret: secret.encode().hex()])
def test_a_secret_that_slips_into_any_place_is_found(day: Day, hide: object) -> None:
    assert callable(hide)
    secret = day.planted._secrets[-1]
    for place, texts in day.shown.items():
        with pytest.raises(AssertionError, match="holds a planted secret"):
            day.planted.look(f"{texts[0][:200]}{hide(secret)}{texts[0][200:400]}")
        assert place
