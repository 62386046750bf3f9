"""How long secrets still hold, and when it is time to say so."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from settings_store.catalog import ALL_OPTIONS, OPTIONS
from settings_store.cautions import cautions
from settings_store.errors import InvalidValue
from settings_store.own_options.secret_expiry import SECRETS
from settings_store.secret_expiry import SecretExpiry, expiring, secret_expiries
from settings_store.snapshot import Snapshot

SECRET = "primary_email.client_secret"
DAY = "secret_expiry.primary_email_client_secret"
TODAY = date(2026, 11, 26)


def with_days(**stored: str | bool) -> Snapshot:
    return Snapshot(1, {key.replace("__", "."): value for key, value in stored.items()})


def left(days: int) -> SecretExpiry:
    last_day = date.fromordinal(TODAY.toordinal() + days)
    (found,) = secret_expiries(
        with_days(primary_email__client_secret="x", secret_expiry__primary_email_client_secret=str(last_day)),
        TODAY,
    )
    return found


@pytest.mark.parametrize(
    "days, stage",
    [
        (400, None), (31, None), (30, 30), (15, 30), (14, 14), (8, 14), (7, 7), (2, 7), (1, 1), (0, 1),
        (-1, -1), (-500, -1),
    ],
)  # fmt: skip
def test_it_is_warned_30_14_7_and_1_days_before_and_once_it_is_over(days: int, stage: int | None) -> None:
    assert (left(days).days_left, left(days).stage) == (days, stage)


@pytest.mark.parametrize(
    "days, words",
    [
        (14, f"{SECRET}: expires in 14 days (2026-12-10)"),
        (1, f"{SECRET}: expires in 1 day (2026-11-27)"),
        (0, f"{SECRET}: expires today (2026-11-26)"),
        (-1, f"{SECRET}: expired after 2026-11-25"),
    ],
)
def test_the_words_say_which_secret_and_when(days: int, words: str) -> None:
    assert left(days).words == words


def test_a_day_without_its_secret_and_a_secret_without_a_day_tell_nothing() -> None:
    assert secret_expiries(with_days(secret_expiry__primary_email_client_secret="2026-11-27"), TODAY) == []
    assert secret_expiries(with_days(primary_email__client_secret="x"), TODAY) == []


def test_a_secondary_that_is_its_primary_is_told_once() -> None:
    options = {
        "primary_email__client_secret": "x",
        "secondary_email__client_secret": "y",
        "secret_expiry__primary_email_client_secret": "2026-12-01",
        "secret_expiry__secondary_email_client_secret": "2026-11-30",
    }
    both = secret_expiries(with_days(**options), TODAY)
    assert [each.option for each in both] == ["secondary_email.client_secret", SECRET], "the next one first"
    mirrored = secret_expiries(with_days(**options, mirror__email=True), TODAY)
    assert [each.option for each in mirrored] == [SECRET]


def test_only_what_it_is_time_for_is_expiring() -> None:
    far = with_days(primary_email__client_secret="x", secret_expiry__primary_email_client_secret="2027-11-26")
    assert len(secret_expiries(far, TODAY)) == 1
    assert expiring(far, TODAY) == []
    assert len(expiring(far, date(2027, 11, 1))) == 1


def test_every_secret_of_the_page_has_a_day_and_every_day_a_secret() -> None:
    assert set(SECRETS.values()) == {key for key, option in OPTIONS.items() if option.secret}
    assert {f"secret_expiry.{place}" for place in SECRETS} == {
        key for key in ALL_OPTIONS if key.startswith("secret_expiry.")
    }


@pytest.mark.parametrize(
    "raw, kept",
    [
        ("2027-03-31", "2027-03-31"),
        (" 2027-03-31 ", "2027-03-31"),
        ("", ""),
        (date(2027, 3, 31), "2027-03-31"),
    ],
)
def test_a_day_is_kept_in_one_form(raw: object, kept: str) -> None:
    assert ALL_OPTIONS[DAY].parse(raw) == kept


@pytest.mark.parametrize(
    "raw",
    ["31.3.2027", "2027-02-29", "20270331", "2027-W13-3", "tomorrow", 20270331, None, datetime(2027, 3, 31)],  # noqa: DTZ001
)
def test_what_is_no_day_is_refused(raw: object) -> None:
    with pytest.raises(InvalidValue, match="allowed: date YYYY-MM-DD"):
        ALL_OPTIONS[DAY].parse(raw)


def test_a_secret_that_is_renewed_without_its_day_is_told_of() -> None:
    now = with_days(primary_email__client_secret="x", secret_expiry__primary_email_client_secret="2026-12-01")
    said = [each for each in cautions(now, [SECRET]) if DAY in each]
    words = f"{SECRET} was set, but its last day in {DAY} is still that of the one before: 2026-12-01"
    assert said == [f"Primary Email: {words}"]
    assert not [each for each in cautions(now, [SECRET, DAY]) if DAY in each]
    assert not [each for each in cautions(now, ["primary_email.server_port"]) if DAY in each]
    assert not [
        each for each in cautions(with_days(primary_email__client_secret="x"), [SECRET]) if DAY in each
    ]
