"""The doctor and the last day of secrets."""

from __future__ import annotations

import pytest

from console.doctor import Facts
from console.doctor.secret_rules import secret_findings
from settings_store.snapshot import Snapshot

#: 2027-01-15, in the morning.
NOW_MS = 1_800_000_000_000


def facts(last_day: str, *, secret: str = "sealed", option: str = "primary_email.client_secret") -> Facts:
    values = {option: secret, f"secret_expiry.{option.replace('.', '_')}": last_day}
    return Facts(now_ms=NOW_MS, snapshot=Snapshot(1, {key: value for key, value in values.items() if value}))


@pytest.mark.parametrize(
    "last_day, level, words",
    [
        ("2027-01-14", "error", "primary_email.client_secret: expired after 2027-01-14"),
        ("2027-01-15", "warn", "primary_email.client_secret: expires today (2027-01-15)"),
        ("2027-02-14", "warn", "primary_email.client_secret: expires in 30 days (2027-02-14)"),
        ("2027-02-15", "ok", "none of 1 secrets with a known last day expires soon"),
    ],
)
def test_a_secret_is_warned_of_in_time_with_the_command_that_renews_it(
    last_day: str, level: str, words: str
) -> None:
    (finding,) = secret_findings(facts(last_day))
    assert (finding.level, finding.what) == (level, words)
    if level != "ok":
        assert "primary_email.client_secret=- secret_expiry.primary_email_client_secret=" in finding.fix


@pytest.mark.parametrize("option", ["general.unc_password", "secondary_sms.authentication_password"])
def test_a_password_that_is_taken_sealed_alone_is_to_be_sealed_first(option: str) -> None:
    (finding,) = secret_findings(facts("2027-01-14", option=option))
    assert finding.fix.startswith("make a new one, `notify encrypt`, then `notify options set ")
    assert f"{option}=enc:... secret_expiry.{option.replace('.', '_')}=YYYY-MM-DD" in finding.fix


def test_what_is_not_set_or_not_known_is_not_told_of() -> None:
    assert not [*secret_findings(facts("2027-01-14", secret=""))]
    assert not [*secret_findings(facts(""))]
    assert not [*secret_findings(Facts(now_ms=NOW_MS))]
