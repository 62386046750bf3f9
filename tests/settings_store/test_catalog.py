"""The catalogue against a plain copy of the page's 43 rows."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from settings_store.catalog import ALL_OPTIONS, GROUPS, OPTIONS, OWN_OPTIONS, find, selected
from settings_store.errors import InvalidValue, UnknownOption
from settings_store.kinds import Secret
from settings_store.option import Option
from settings_store.own_options.secret_expiry import SECRETS

PAGE = Path(__file__).with_name("smtp_page.tsv")

with PAGE.open(encoding="utf-8", newline="") as table:
    ROWS = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))


def as_on_the_page(number: int, option: Option) -> dict[str, str]:
    return {
        "number": str(number),
        "group": option.group,
        "key": option.key,
        "name": option.label,
        "default": "blank" if option.default == "" else str(option.default),
        "valid": option.kind.valid,
        "secret": "yes" if option.secret else "no",
    }


def test_there_are_43_options_and_every_row_is_the_pages_in_its_order() -> None:
    assert len(ROWS) == len(OPTIONS) == 43
    assert [as_on_the_page(number, option) for number, option in enumerate(OPTIONS.values(), 1)] == ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["key"])
def test_each_option_of_the_page_takes_its_limits_and_nothing_beyond(row: dict[str, str]) -> None:
    option = OPTIONS[row["key"]]

    def is_taken(raw: object) -> bool:
        try:
            option.parse(raw)
        except InvalidValue:
            return False
        return True

    if span := re.match(r"integer (\d+)\N{EN DASH}(\d+)", row["valid"]):
        low, high = int(span[1]), int(span[2])
        verdicts = [is_taken(value) for value in (low - 1, low, high, high + 1, str(low), str(high + 1), "")]
        assert verdicts == [False, True, True, False, True, False, False]
    elif row["valid"] == "GUID":
        assert is_taken("0F8FAD5B-D9CB-469F-A165-70867728950E")
        assert is_taken("")
        assert not is_taken("0F8FAD5B")
    elif row["valid"] == "True or False":
        assert is_taken("False")
        assert not is_taken("")
    else:
        start = "enc:v1:k:" if row["secret"] == "yes" else ""
        assert is_taken("")
        assert is_taken(start + "a" * (4000 - len(start)))
        assert not is_taken(start + "a" * (4001 - len(start)))
        assert is_taken(start + "it's") is ("no `'`" not in row["valid"])


def test_the_page_refuses_a_single_quote_in_three_options_only() -> None:
    refusing = {key for key, option in OPTIONS.items() if getattr(option.kind, "refused", "")}
    assert refusing == {"general.unc_user", "general.unc_password", "primary_email.server_name"}


def test_the_five_encrypted_passwords_four_client_secrets_and_those_of_our_own_are_the_secrets() -> None:
    secrets = {key: option.kind for key, option in ALL_OPTIONS.items() if isinstance(option.kind, Secret)}
    assert secrets.keys() - OPTIONS.keys() == {
        "notices.webhook_url",
        "jors.api_password",
        "jors.api_token",
    }
    assert len(secrets.keys() & OPTIONS.keys()) == 9
    assert {key for key, kind in secrets.items() if kind.encrypted_only} == {
        "general.unc_password",
        "primary_email.authentication_password",
        "secondary_email.authentication_password",
        "primary_sms.authentication_password",
        "secondary_sms.authentication_password",
    }


def test_our_own_options_share_no_group_with_the_pages() -> None:
    ours = {option.group for option in OWN_OPTIONS.values()}
    assert not ours & {option.group for option in OPTIONS.values()}
    assert list(ALL_OPTIONS) == [*OPTIONS, *OWN_OPTIONS]


def test_every_group_has_a_title() -> None:
    assert list(GROUPS) == list(dict.fromkeys(option.group for option in ALL_OPTIONS.values()))


@pytest.mark.parametrize("option", ALL_OPTIONS.values(), ids=lambda option: option.key)
def test_every_default_is_valid_in_canonical_form_and_every_option_has_help(option: Option) -> None:
    parsed = option.parse(option.default)
    assert (parsed, type(parsed)) == (option.default, type(option.default))
    assert option.help.endswith(".")
    assert "{" not in option.help
    assert option.key.partition(".")[2] not in option.help


def test_our_own_defaults_are_those_that_were_decided() -> None:
    assert {key: option.default for key, option in OWN_OPTIONS.items()} == {
        "mirror.email": False,
        "mirror.sms": False,
        "text.labels": True,
        "text.machine_name": True,
        "text.delimiter": "|",
        "text.job_number_in_job_name": True,
        "text.history_days": 14,
        "text.installation_name": "notify.localdomain",
        "delivery.email_age_limit_hours": 24,
        "delivery.text_age_limit_hours": 4,
        "delivery.longest_gap_minutes": 60,
        "delivery.resend_uncertain_email": True,
        "delivery.resend_uncertain_text": False,
        "delivery.uncertain_fail_over_minutes": 5,
        "delivery.breaker_failures": 3,
        "escalation.enabled": True,
        "escalation.after_passes": 2,
        "escalation.text_to": "",
        "escalation.texts_in_10_minutes": 10,
        "notices.email_to": "",
        "notices.text_to": "",
        "notices.text_always": False,
        "notices.webhook_url": "",
        "notices.fallback": True,
        "notices.all_down": True,
        "notices.misconfigured": True,
        "notices.undelivered": True,
        "notices.held": True,
        "notices.secret_expiry": True,
        "notices.backlog_minutes": 10,
        "notices.collect_seconds": 60,
        "notices.quiet_minutes": 15,
        **{
            f"limits.{server}_{limit}": 0
            for server in ("primary_email", "secondary_email", "primary_sms", "secondary_sms")
            for limit in ("messages_per_minute", "connections")
        },
        "timeouts.connect_seconds": 10,
        "timeouts.command_reply_seconds": 30,
        "timeouts.data_start_seconds": 60,
        "timeouts.final_reply_seconds": 300,
        "tls.ca_bundle": "",
        "tls.minimum_version": "1.2",
        "tls.client_certificate": "",
        "tls.client_key": "",
        "oauth.authority_host": "login.microsoftonline.com",
        "oauth.scope": "https://outlook.office365.com/.default",
        "oauth.ca_bundle": "",
        "oauth.proxy_address": "",
        "audit.days": 365,
        **dict.fromkeys((f"secret_expiry.{place}" for place in SECRETS), ""),
        "console.idle_minutes": 30,
        "console.session_hours": 12,
        "console.requests_per_minute": 3000,
        "console.flower_url": "",
        "unc.allowed_hosts": "",
        "unc.require_encryption": False,
        "unc.timeout_seconds": 60,
        "attachments.patience_seconds": 20,
        "jors.api_address": "",
        "jors.api_user": "",
        "jors.api_password": "",
        "jors.api_token": "",
        "jors.ca_bundle": "",
        "jors.verify_certificate": True,
        "jors.agent_limit_bytes": 65_536,
        "local_files.folders": "",
        "logging.level": "INFO",
        "logging.format": "logfmt",
        "logging.maximum_file_size": 10_000,
        "logging.files_kept": 5,
    }


@pytest.mark.parametrize(
    "asked, proposed",
    [
        ("primary_email.server_prot", "primary_email.server_port"),
        ("Primary_Email.Server_Port", "primary_email.server_port"),
        ("primary_sms.port", "primary_sms.server_port"),
        ("server_port", "secondary_sms.server_port"),
        ("jors_attachment_timeout", "general.jors_attachment_timeout"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(asked: str, proposed: str) -> None:
    with pytest.raises(UnknownOption, match="there is no such option; did you mean") as caught:
        find(asked)
    assert proposed in caught.value.proposals
    assert asked in str(caught.value)


def test_a_name_without_its_group_is_answered_with_every_group_that_has_it() -> None:
    with pytest.raises(UnknownOption) as caught:
        find("enable_ssl")
    assert caught.value.proposals == (
        "primary_email.enable_ssl",
        "secondary_email.enable_ssl",
        "primary_sms.enable_ssl",
        "secondary_sms.enable_ssl",
    )


def test_a_name_like_no_other_is_answered_without_a_proposal() -> None:
    with pytest.raises(UnknownOption, match="nothing like it exists"):
        find("xyzzy")


def test_a_selection_is_an_option_a_group_or_all() -> None:
    assert selected("mirror.sms") == ("mirror.sms",)
    assert len(selected("primary_sms")) == 9
    assert selected("all") == tuple(ALL_OPTIONS)
    with pytest.raises(UnknownOption, match="primary_email"):
        selected("primary_emial")
    with pytest.raises(UnknownOption, match="did you mean all"):
        selected("alll")
