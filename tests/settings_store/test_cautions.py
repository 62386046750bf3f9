"""What is wrong only together, as a table: what is set, and what is told."""

from __future__ import annotations

import pytest

from settings_store.cautions import cautions
from settings_store.kinds import Value
from settings_store.server_group import SERVERS
from settings_store.snapshot import Snapshot

SEALED = "enc:v1:k:AAAA"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OAUTH: dict[str, Value] = {"application_id": GUID, "client_secret": SEALED, "tenant_id": GUID}
WELL: dict[str, Value] = {
    "primary_email.server_name": "mail.example.com",
    "primary_email.server_port": 587,
    "primary_email.enable_ssl": True,
    "primary_email.authentication_user": "notify@example.com",
    "primary_email.authentication_password": SEALED,
    "secondary_email.server_name": "mail2.example.com",
    "primary_sms.server_name": "sms.example.com",
    "secondary_sms.server_name": "sms2.example.com",
}


def test_nothing_is_told_of_the_defaults_or_of_a_sound_setting() -> None:
    assert cautions(Snapshot()) == ()
    assert cautions(Snapshot(1, WELL)) == ()


@pytest.mark.parametrize("group", SERVERS)
@pytest.mark.parametrize(
    "options, told",
    [
        (
            {"application_id": GUID},
            "OAuth is incomplete, so it is not used: Client Secret and Tenant ID missing",
        ),
        ({**OAUTH, "tenant_id": ""}, "OAuth is incomplete, so it is not used: Tenant ID missing"),
        (
            {**OAUTH, "enable_ssl": True, "server_port": 587},
            "OAuth signs in to the mailbox in Notification Address, which is still blank or the default",
        ),
        (
            {**OAUTH, "notification_address": "box@example.com"},
            "the sign-in goes over the network unencrypted while Enable SSL is False",
        ),
        (
            {"authentication_user": "u", "authentication_password": SEALED},
            "the sign-in goes over the network unencrypted while Enable SSL is False",
        ),
        (
            {"authentication_user": "u", "enable_ssl": True, "server_port": 587},
            "an Authentication User is set without a password",
        ),
        (
            {"authentication_password": SEALED},
            "a password is set without an Authentication User, so nobody signs in",
        ),
        (
            {"enable_ssl": True},
            "Enable SSL is True with port 25, which seldom offers STARTTLS; ports with TLS are 587 and 465",
        ),
        ({"server_port": 465}, "port 465 speaks TLS from the first byte, but Enable SSL is False"),
    ],
)
def test_each_server_is_judged_alike(group: str, options: dict[str, Value], told: str) -> None:
    title = group.replace("_", " ").title().replace("Sms", "SMS")
    snapshot = Snapshot(1, {f"{group}.{name}": value for name, value in options.items() if value != ""})
    assert cautions(snapshot) == (f"{title}: {told}",)


@pytest.mark.parametrize(
    "name", ["mail:25", "mail.example.com:587", "[::1]:25", "192.0.2.1:465", " mail:25 "]
)
def test_a_server_name_with_a_port_in_it_is_told(name: str) -> None:
    told = cautions(Snapshot(1, {"primary_email.server_name": name}))
    assert told == ("Primary Email: the server name has a port in it; the port belongs in SMTP Server Port",)


@pytest.mark.parametrize("name", ["mail", "::1", "2001:db8::25", "[::1]", "192.0.2.1", "mail-25"])
def test_a_server_name_without_a_port_is_not(name: str) -> None:
    assert cautions(Snapshot(1, {"primary_email.server_name": name})) == ()


def test_a_secondary_without_primary_is_told_for_email_and_is_right_for_sms() -> None:
    stored: dict[str, Value] = {"secondary_email.server_name": "a", "secondary_sms.server_name": "b"}
    (told,) = cautions(Snapshot(1, stored))
    assert told.startswith("Secondary Email: it is set, but Primary Email is blank: no e-mail is sent")


@pytest.mark.parametrize(
    "others, held",
    [
        ({}, "e-mail and texts are held"),
        ({"primary_sms.server_name": "sms"}, "e-mail is held"),
        ({"secondary_sms.server_name": "sms"}, "e-mail is held"),
    ],
)
def test_a_primary_email_that_was_left_blank_is_told_with_what_it_keeps_back(
    others: dict[str, Value], held: str
) -> None:
    told = (f"Primary Email: SMTP Server Name is blank: {held} until it is set",)
    assert cautions(Snapshot(1, others), ["primary_email.server_name"]) == told
    assert cautions(Snapshot(1, others), ["primary_email.server_port"]) == ()
    assert cautions(Snapshot(1, {"primary_email.server_name": "m"}), ["primary_email.server_name"]) == ()


def test_a_primary_email_that_was_left_blank_beside_a_secondary_is_told_once() -> None:
    told = cautions(Snapshot(1, {"secondary_email.server_name": "m"}), ["primary_email.server_name"])
    assert [sentence.split(":")[0] for sentence in told] == ["Secondary Email"]


@pytest.mark.parametrize("channel, title", [("email", "Email"), ("sms", "SMS")])
def test_a_secondary_that_is_the_primary_is_told_however_it_came_about(channel: str, title: str) -> None:
    told = (f"Secondary {title}: it is the same server as Primary {title}, so there is no second try",)
    primary, secondary = f"primary_{channel}.server_name", f"secondary_{channel}.server_name"
    assert cautions(Snapshot(1, {primary: "Mail", secondary: "mail "})) == told
    assert cautions(Snapshot(1, {primary: "mail", f"mirror.{channel}": True})) == told
    assert (
        cautions(Snapshot(1, {primary: "mail", secondary: "mail", f"secondary_{channel}.server_port": 26}))
        == ()
    )


def test_a_mirrored_fault_is_told_once() -> None:
    snapshot = Snapshot(1, {"primary_email.enable_ssl": True, "mirror.email": True})
    assert [line.split(":")[0] for line in cautions(snapshot)] == ["Primary Email"]


def test_what_is_set_under_a_mirror_is_told_to_be_in_vain() -> None:
    touched = ["secondary_sms.server_port", "primary_sms.server_port", "secondary_email.server_port"]
    assert cautions(Snapshot(1, {"mirror.sms": True}), touched) == (
        "Secondary SMS: saved, but without effect while mirror.sms is on: secondary_sms.server_port",
    )


@pytest.mark.parametrize(
    "key, told",
    [
        ("escalation.text_to", "Escalation by text: Texts go to is set while no SMS server is"),
        ("notices.text_to", "Notices to the operator: Notices go to (text) is set while no SMS server is"),
    ],
)
def test_texts_that_would_wait_with_the_mail_are_told_of(key: str, told: str) -> None:
    options: dict[str, Value] = {"primary_email.server_name": "mail.example.com", key: "4915@sms.example"}
    (sentence,) = cautions(Snapshot(1, options))
    assert sentence.startswith(f"{told}, so these texts go by the e-mail servers")
    assert cautions(Snapshot(1, {**options, "secondary_sms.server_name": "sms.example.com"})) == ()


ADDRESS = "https://opcon.example.com:9010/api"


@pytest.mark.parametrize(
    "options, told",
    [
        ({"address": ADDRESS, "token": SEALED}, None),
        ({"address": ADDRESS, "user": "notify", "password": SEALED}, None),
        ({"user": "notify"}, "a sign-in is set without an address, so no output can be fetched"),
        ({"address": ADDRESS}, "an address is set, but neither a user nor a token to sign in with"),
        ({"address": ADDRESS, "user": "notify"}, "a user is set without a password"),
        (
            {"address": "http://opcon/api", "token": SEALED},
            "password and output go over the network unencrypted, as the address begins with http://",
        ),
    ],
)
def test_what_is_wrong_with_the_sign_in_to_the_scheduler(options: dict[str, Value], told: str | None) -> None:
    snapshot = Snapshot(1, {f"jors.api_{name}": value for name, value in options.items()})
    assert cautions(snapshot) == ((f"Job output: {told}",) if told else ())


def test_a_certificate_of_the_scheduler_that_nobody_checks_is_told() -> None:
    options: dict[str, Value] = {"jors.api_address": ADDRESS, "jors.api_token": SEALED}
    (told,) = cautions(Snapshot(1, {**options, "jors.verify_certificate": False}))
    assert told == (
        "Job output: any certificate is taken, so whoever stands between reads password and output"
    )


USER: dict[str, Value] = {"general.unc_user": "CORP\\svc"}
PASSWORD: dict[str, Value] = {"general.unc_password": SEALED}
HOSTS: dict[str, Value] = {"unc.allowed_hosts": "files"}


@pytest.mark.parametrize(
    "options, told",
    [
        (USER, "an Authentication User (UNC Access) is set without a password"),
        (PASSWORD, "a password is set without an Authentication User (UNC Access), so nothing is read"),
        (USER | PASSWORD, "no host is allowed, so nothing is read: `notify share allow HOST`"),
        (HOSTS, "hosts are allowed, but Authentication User (UNC Access) is blank, so nothing is read"),
    ],
)
def test_what_keeps_shares_from_being_read_is_told(options: dict[str, Value], told: str) -> None:
    assert cautions(Snapshot(1, options)) == (f"Network shares: {told}",)


def test_nothing_is_told_of_shares_that_can_be_read() -> None:
    assert cautions(Snapshot(1, USER | PASSWORD | HOSTS)) == ()
