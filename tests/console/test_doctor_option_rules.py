"""The doctor's rules about options: what cannot work, what works badly, and what Microsoft wants."""

from __future__ import annotations

import pytest

from console.doctor.caution_meanings import MEANINGS
from settings_store.cautions import cautions
from settings_store.kinds import Value
from tests.rigs.doctor_facts import WELL, bad, facts, only, snapshot

MICROSOFT: dict[str, Value] = {
    "primary_email.server_name": "SMTP.office365.com",
    "primary_email.server_port": 587,
    "primary_email.enable_ssl": True,
    "primary_email.authentication_user": "alarms@corp.example",
    "primary_email.authentication_password": "enc:v1:k1:x",
    "limits.primary_email_messages_per_minute": 30,
    "limits.primary_email_connections": 3,
}


@pytest.mark.parametrize(
    "options, check, level, words",
    [
        ({}, "options.primary_email", "error", "Primary Email server name is blank"),
        ({"primary_sms.server_name": "s"}, "options.primary_email", "warn", "name is blank"),
        (MICROSOFT, "options.primary_email.basic_sign_in", "warn", "a password signs in to Microsoft"),
        (
            {
                "primary_email.server_name": "tenant.mail.protection.outlook.com",
                "secondary_email.server_name": "smtp.office365.com",
            },
            "options.secondary_email.limits",
            "warn",
            "30 messages a minute",
        ),
        (
            {
                **WELL,
                "primary_email.authentication_user": "svc",
                "primary_email.authentication_password": "x",
            },
            "options.primary_email.sender",
            "warn",
            "is no address",
        ),
        (
            {
                **WELL,
                "primary_email.authentication_user": "a@b.example",
                "primary_email.authentication_password": "x",
                "primary_email.notification_address": "alarms@b.example",
            },
            "options.primary_email.sender",
            "warn",
            "is not the Authentication User",
        ),
        ({**WELL, "mirror.email": True}, "options.secondary_email", "warn", "so there is no second try"),
        (
            {"primary_email.server_name": "m", "primary_email.server_port": 465},
            "options.primary_email",
            "error",
            "port 465",
        ),
        (
            {**WELL, "primary_email.notification_address": "me@tmomail.net"},
            "options.carrier_gateway",
            "warn",
            "primary_email.notification_address names an address at tmomail.net",
        ),
    ],
)
def test_options_that_do_not_work_are_found(
    options: dict[str, Value], check: str, level: str, words: str
) -> None:
    finding = only(facts(options))
    assert (finding.check, finding.level) == (check, level)
    assert words in finding.what
    assert finding.why
    assert "notify " in finding.fix or finding.check == "options.carrier_gateway"


def test_a_mirrored_secondary_is_to_be_itself_again_before_it_is_named() -> None:
    finding = only(facts({**WELL, "mirror.email": True}))
    assert "`notify options mirror email off --reason TEXT`, then" in finding.fix


def test_oauth_at_microsoft_is_what_microsoft_wants() -> None:
    oauth = {
        "primary_email.notification_address": "alarms@corp.example",
        "primary_email.application_id": "00000000-0000-0000-0000-000000000001",
        "primary_email.client_secret": "enc:v1:k1:x",
        "primary_email.tenant_id": "00000000-0000-0000-0000-000000000002",
    }
    options = {key: value for key, value in MICROSOFT.items() if ".authentication" not in key}
    assert bad(facts({**options, **oauth})) == []


CAUTIONED: list[dict[str, Value]] = [
    {"primary_email.application_id": "00000000-0000-0000-0000-000000000001"},
    {
        "primary_email.application_id": "00000000-0000-0000-0000-000000000001",
        "primary_email.client_secret": "s",
        "primary_email.tenant_id": "00000000-0000-0000-0000-000000000002",
        "primary_email.enable_ssl": True,
    },
    {"primary_email.authentication_user": "u", "primary_email.enable_ssl": True},
    {"primary_email.authentication_password": "p"},
    {"primary_email.authentication_user": "u", "primary_email.authentication_password": "p"},
    {"primary_email.server_name": "mail:25"},
    {"primary_email.enable_ssl": True},
    {"primary_email.server_port": 465},
    {"secondary_email.server_name": "b"},
    {"primary_email.server_name": "b", "secondary_email.server_name": "b"},
    {"general.unc_user": "u"},
    {"general.unc_password": "p"},
    {"general.unc_user": "u", "general.unc_password": "p"},
    {"unc.allowed_hosts": "files"},
    {"jors.api_user": "u"},
    {"jors.api_address": "https://opcon"},
    {"jors.api_address": "https://opcon", "jors.api_user": "u"},
    {"jors.api_address": "http://opcon", "jors.api_token": "t"},
    {"jors.api_address": "https://opcon", "jors.api_token": "t", "jors.verify_certificate": False},
    {"escalation.text_to": "1@sms.example"},
    {"notices.text_to": "1@sms.example"},
]


@pytest.mark.parametrize("options", CAUTIONED)
def test_each_caution_at_saving_has_a_meaning_of_its_own(options: dict[str, Value]) -> None:
    sentences = cautions(snapshot(options))
    assert sentences
    assert len(bad(facts(options))) >= len(sentences)
    for sentence in sentences:
        assert [each for each in MEANINGS if each.part in sentence], sentence


def test_every_meaning_belongs_to_a_caution_that_there_is() -> None:
    every = " ".join(sentence for options in CAUTIONED for sentence in cautions(snapshot(options)))
    for meaning in MEANINGS:
        assert meaning.part in every, meaning
