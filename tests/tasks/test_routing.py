"""Routing as a table: every row of the rules, then what must hold for any options at all."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.cipher import Cipher
from settings_store.keyring import Keyring
from settings_store.kinds import Value
from settings_store.snapshot import Snapshot
from tasks.routing import Route, route
from tasks.server import Basic, Channel, OAuth, ServerName, Tls

CIPHER = Cipher(Keyring("k", {"k": b"\x07" * 32}), "notify")
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SERVERS: tuple[ServerName, ...] = get_args(ServerName)
HELD = "Primary Email server name is blank"


def snapshot(**groups: dict[str, Value]) -> Snapshot:
    """Options by group; what is called a password or secret is sealed for its option."""
    stored = {
        f"{group}.{name}": value for group, options in groups.items() for name, value in options.items()
    }
    sealed = {
        key: CIPHER.seal(key, str(value))
        for key, value in stored.items()
        if key.endswith((".authentication_password", ".client_secret"))
    }
    return Snapshot(1, {**stored, **sealed}, CIPHER)


def named(*groups: str) -> Snapshot:
    options: dict[str, dict[str, Value]] = {
        group: {"server_name": f"{group.replace('_', '-')}.example"} for group in groups
    }
    return snapshot(**options)


def chain(found: Route) -> list[str]:
    return [hop.server.name for hop in found.chain]


BY_PRIMARY_EMAIL = "e-mail goes to Primary Email first"
TEXT_BY_PRIMARY_EMAIL = "no SMS server is set, so texts go the way of e-mail: to Primary Email first"
BY_SECONDARY_EMAIL = "Secondary Email is tried where Primary Email failed"
BY_PRIMARY_SMS = "Primary SMS is set, so texts go to it first and never by the e-mail servers"
BY_SECONDARY_SMS = "Secondary SMS is tried where Primary SMS failed"
BY_SECONDARY_SMS_ALONE = "only Secondary SMS is set, so it carries every text, and the e-mail servers none"

ROWS: list[tuple[Channel, tuple[str, ...], list[tuple[str, str]]]] = [
    ("email", (), []),
    ("email", ("secondary_email",), []),
    ("email", ("primary_sms", "secondary_sms"), []),
    ("email", ("primary_email",), [("primary_email", BY_PRIMARY_EMAIL)]),
    (
        "email",
        ("primary_email", "secondary_email"),
        [("primary_email", BY_PRIMARY_EMAIL), ("secondary_email", BY_SECONDARY_EMAIL)],
    ),
    ("email", ("primary_email", "primary_sms"), [("primary_email", BY_PRIMARY_EMAIL)]),
    (
        "email",
        SERVERS,
        [("primary_email", BY_PRIMARY_EMAIL), ("secondary_email", BY_SECONDARY_EMAIL)],
    ),
    ("text", (), []),
    ("text", ("secondary_email",), []),
    ("text", ("primary_email",), [("primary_email", TEXT_BY_PRIMARY_EMAIL)]),
    (
        "text",
        ("primary_email", "secondary_email"),
        [("primary_email", TEXT_BY_PRIMARY_EMAIL), ("secondary_email", BY_SECONDARY_EMAIL)],
    ),
    ("text", ("primary_sms",), [("primary_sms", BY_PRIMARY_SMS)]),
    ("text", ("primary_sms", "primary_email"), [("primary_sms", BY_PRIMARY_SMS)]),
    (
        "text",
        ("primary_sms", "secondary_sms"),
        [("primary_sms", BY_PRIMARY_SMS), ("secondary_sms", BY_SECONDARY_SMS)],
    ),
    ("text", SERVERS, [("primary_sms", BY_PRIMARY_SMS), ("secondary_sms", BY_SECONDARY_SMS)]),
    ("text", ("secondary_sms",), [("secondary_sms", BY_SECONDARY_SMS_ALONE)]),
    (
        "text",
        ("secondary_sms", "primary_email", "secondary_email"),
        [("secondary_sms", BY_SECONDARY_SMS_ALONE)],
    ),
]


@pytest.mark.parametrize("channel, groups, hops", ROWS)
def test_each_row_of_the_table(
    channel: Channel, groups: tuple[str, ...], hops: list[tuple[str, str]]
) -> None:
    found = route(named(*groups), channel)
    assert [(hop.server.name, hop.rule) for hop in found.chain] == hops
    assert found.held == (None if hops else HELD)
    assert found.reasons[: len(hops)] == tuple(rule for _, rule in hops)
    assert [hop.server.host for hop in found.chain] == [f"{n.replace('_', '-')}.example" for n, _ in hops]


def test_a_held_route_says_all_that_led_to_it() -> None:
    assert route(named(), "email").reasons == (HELD,)
    assert route(named("secondary_email"), "text").reasons == (
        "no SMS server is set, so texts go the way of e-mail",
        HELD,
        "Secondary Email is set, but is only tried where Primary Email failed",
    )


def test_a_name_of_blanks_is_blank_and_blanks_around_a_name_are_dropped() -> None:
    assert route(snapshot(primary_email={"server_name": "   "}), "email").held == HELD
    (hop,) = route(snapshot(primary_email={"server_name": " mail "}), "email").chain
    assert hop.server.host == "mail"


OAUTH: dict[str, Value] = {
    "application_id": GUID,
    "client_secret": "s3cret",
    "tenant_id": GUID.replace("0", "1"),
}
USER: dict[str, Value] = {"authentication_user": " user@example ", "authentication_password": "pw"}
ADDRESS: dict[str, Value] = {"notification_address": " box@example "}


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(
    "options, sender, kind, told",
    [
        ({}, "noreply@mycorp.com", None, "nobody signs in and the Notification Address is the sender"),
        (ADDRESS, "box@example", None, "nobody signs in and the Notification Address is the sender"),
        ({"notification_address": ""}, "noreply", None, "it is blank, so that is noreply"),
        ({"notification_address": "  "}, "noreply", None, "it is blank, so that is noreply"),
        ({**ADDRESS, "authentication_password": "pw"}, "box@example", None, "nobody signs in"),
        ({**ADDRESS, **USER}, "user@example", Basic, "the Authentication User signs in and is the sender"),
        ({"authentication_user": "u"}, "u", Basic, "the Authentication User signs in and is the sender"),
        ({**ADDRESS, **OAUTH}, "box@example", OAuth, "OAuth is complete, so the Notification Address is"),
        ({**ADDRESS, **USER, **OAUTH}, "box@example", OAuth, "OAuth is complete, so the Notification"),
        (
            {**ADDRESS, **USER, "application_id": GUID, "tenant_id": GUID},
            "user@example",
            Basic,
            "OAuth is incomplete (Client Secret missing), so it is not used",
        ),
        (
            {**ADDRESS, "client_secret": "s3cret"},
            "box@example",
            None,
            "OAuth is incomplete (Application ID and Tenant ID missing), so it is not used",
        ),
    ],
)
def test_who_sends_and_how_they_sign_in(
    name: ServerName, options: dict[str, Value], sender: str, kind: type[object] | None, told: str
) -> None:
    channel: Channel = "text" if name.endswith("sms") else "email"
    others = named("primary_email") if name == "secondary_email" else Snapshot()
    settings = snapshot(**{name: {"server_name": "mail", **options}})
    found = route(Snapshot(1, {**others.stored, **settings.stored}, CIPHER), channel)
    server = found.chain[-1].server
    assert server.name == name
    assert server.sender == sender
    assert (type(server.sign_in) if server.sign_in else None) is kind
    title = name.replace("_", " ").title().replace("Sms", "SMS")
    assert any(reason.startswith(f"{title}: ") and told in reason for reason in found.reasons)
    assert ("OAuth is incomplete" in str(found.reasons)) is ("OAuth is incomplete" in told)


def test_a_sign_in_carries_what_opens_its_secret_late() -> None:
    options = snapshot(primary_email={"server_name": "m", **USER})
    (hop,) = route(options, "email").chain
    assert isinstance(hop.server.sign_in, Basic)
    assert hop.server.sign_in.user == "user@example"
    assert hop.server.sign_in.password() == "pw"
    assert hop.server.sign_in.seal == options.mark("primary_email.authentication_password") != ""
    (hop,) = route(snapshot(primary_sms={"server_name": "m", **OAUTH, **ADDRESS}), "text").chain
    sign_in = hop.server.sign_in
    assert isinstance(sign_in, OAuth)
    assert (sign_in.mailbox, sign_in.application_id) == ("box@example", GUID)
    assert (sign_in.tenant_id, sign_in.client_secret()) == (OAUTH["tenant_id"], "s3cret")


def test_routing_opens_no_secret_so_it_needs_no_key() -> None:
    stored = snapshot(primary_email={"server_name": "m", **USER}).stored
    assert chain(route(Snapshot(1, stored, Cipher(None, "notify")), "email")) == ["primary_email"]


@pytest.mark.parametrize(
    "ssl, port, tls, told",
    [
        (False, 25, Tls.NONE, "Enable SSL is False, so nothing is encrypted"),
        (False, 465, Tls.NONE, "Enable SSL is False, so nothing is encrypted"),
        (False, 587, Tls.NONE, "Enable SSL is False, so nothing is encrypted"),
        (True, 25, Tls.STARTTLS, "Enable SSL is True with port 25, so STARTTLS is required"),
        (True, 464, Tls.STARTTLS, "Enable SSL is True with port 464, so STARTTLS is required"),
        (True, 465, Tls.IMPLICIT, "Enable SSL is True with port 465, so TLS begins with the first byte"),
        (True, 587, Tls.STARTTLS, "Enable SSL is True with port 587, so STARTTLS is required"),
    ],
)
def test_enable_ssl_and_port_decide_on_tls(ssl: bool, port: int, tls: Tls, told: str) -> None:  # noqa: FBT001 - given by name
    settings = snapshot(primary_email={"server_name": "m", "enable_ssl": ssl, "server_port": port})
    found = route(settings, "email")
    assert (found.chain[0].server.tls, found.chain[0].server.port) == (tls, port)
    assert f"Primary Email: {told}" in found.reasons


def test_attachment_limits_are_each_email_servers_own_and_sms_servers_carry_none() -> None:
    settings = snapshot(
        primary_email={"server_name": "a", "total_attachment_size_mb": 3, "maximum_attachments": 0},
        secondary_email={"server_name": "b"},
        primary_sms={"server_name": "c"},
    )
    limits = [
        (hop.server.total_attachment_mb, hop.server.maximum_attachments)
        for channel in get_args(Channel)
        for hop in route(settings, channel).chain
    ]
    assert limits == [(3, 0), (10, 50), (0, 0)]


def test_a_second_hop_to_the_same_server_under_the_same_sign_in_is_dropped_and_told() -> None:
    both: dict[str, Value] = {"server_name": "mail", "server_port": 2525}
    found = route(snapshot(primary_email=both, secondary_email={**both, "server_name": "MAIL "}), "email")
    assert chain(found) == ["primary_email"]
    assert "Secondary Email is dropped: same server, same sign-in as Primary Email" in found.reasons


@pytest.mark.parametrize(
    "differing",
    [
        {"server_name": "other"},
        {"server_port": 2526},
        {"enable_ssl": True},
        {"authentication_user": "u", "authentication_password": "pw"},
    ],
)
def test_a_second_hop_that_differs_in_anything_that_matters_stays(differing: dict[str, Value]) -> None:
    both: dict[str, Value] = {"server_name": "mail", "server_port": 2525}
    found = route(snapshot(primary_sms=both, secondary_sms={**both, **differing}), "text")
    assert chain(found) == ["primary_sms", "secondary_sms"]


@pytest.mark.parametrize("channel, group", [("email", "email"), ("text", "sms")])
def test_a_mirrored_secondary_is_the_primary_and_so_is_dropped(channel: Channel, group: str) -> None:
    primary: dict[str, Value] = {"server_name": "mail", **USER}
    groups: dict[str, dict[str, Value]] = {
        f"primary_{group}": primary,
        f"secondary_{group}": {"server_name": "forgotten"},
    }
    assert chain(route(snapshot(**groups), channel)) == [f"primary_{group}", f"secondary_{group}"]
    assert chain(route(snapshot(**groups, mirror={group: True}), channel)) == [f"primary_{group}"]


def test_a_mirror_of_a_blank_primary_sms_leaves_texts_to_the_email_servers() -> None:
    settings = snapshot(
        primary_email={"server_name": "mail"}, secondary_sms={"server_name": "sms"}, mirror={"sms": True}
    )
    assert chain(route(settings, "text")) == ["primary_email"]


def options_of_a_server(name: ServerName) -> st.SearchStrategy[dict[str, Value]]:
    texts = st.sampled_from(["", " ", "a.example", "A.example ", "b.example"])
    sealed = {
        key: st.sampled_from(["", CIPHER.seal(f"{name}.{key}", "pw")])
        for key in ("authentication_password", "client_secret")
    }
    return st.fixed_dictionaries(
        {},
        optional={
            "server_name": texts,
            "server_port": st.sampled_from([25, 465, 587]),
            "enable_ssl": st.booleans(),
            "notification_address": texts,
            "authentication_user": texts,
            "application_id": st.sampled_from(["", GUID]),
            "tenant_id": st.sampled_from(["", GUID]),
            **sealed,
        },
    )


@st.composite
def any_options(draw: st.DrawFn) -> Snapshot:
    """Options of all four servers and both mirrors, in any mixture that could be stored."""
    stored: dict[str, Value] = {
        f"{name}.{key}": value for name in SERVERS for key, value in draw(options_of_a_server(name)).items()
    }
    for group in ("email", "sms"):
        if draw(st.booleans()):
            stored[f"mirror.{group}"] = True
    return Snapshot(1, stored, CIPHER)


@given(settings=any_options(), channel=st.sampled_from(get_args(Channel)))
def test_a_route_is_a_chain_or_held_and_every_hop_has_its_own_rule(
    settings: Snapshot, channel: Channel
) -> None:
    found = route(settings, channel)
    assert bool(found.chain) is (found.held is None)
    assert found.held in {None, HELD}
    assert len({hop.server.fingerprint for hop in found.chain}) == len(found.chain) <= 2
    assert len({hop.rule for hop in found.chain}) == len(found.chain)
    assert found.reasons[: len(found.chain)] == tuple(hop.rule for hop in found.chain)
    assert all(found.reasons)
    assert route(settings, channel) == found


@given(settings=any_options())
def test_email_never_leaves_without_primary_email_and_never_by_sms_servers(settings: Snapshot) -> None:
    found = route(settings, "email")
    assert bool(found.chain) is settings.is_set("primary_email.server_name")
    assert all(hop.server.name.endswith("_email") for hop in found.chain)
    assert not found.chain or found.chain[0].server.name == "primary_email"


@given(settings=any_options())
def test_texts_never_use_email_servers_once_an_sms_server_is_set(settings: Snapshot) -> None:
    found = route(settings, "text")
    if any(settings.is_set(f"{name}.server_name") for name in ("primary_sms", "secondary_sms")):
        assert found.chain
        assert all(hop.server.name.endswith("_sms") for hop in found.chain)
    else:
        assert [hop.server for hop in found.chain] == [hop.server for hop in route(settings, "email").chain]
        assert found.held == route(settings, "email").held


@given(settings=any_options(), channel=st.sampled_from(get_args(Channel)))
def test_every_server_is_complete(settings: Snapshot, channel: Channel) -> None:
    for hop in route(settings, channel).chain:
        server = hop.server
        assert server.host == server.host.strip() != ""
        assert server.sender == server.sender.strip() != ""
        assert (server.tls is Tls.IMPLICIT) is (
            settings.flag(f"{server.name}.enable_ssl") and server.port == 465
        )
        if isinstance(server.sign_in, Basic):
            assert server.sign_in.user == server.sender
        if isinstance(server.sign_in, OAuth):
            assert server.sign_in.mailbox == server.sender
            assert server.sign_in.application_id
            assert server.sign_in.tenant_id
            assert server.sign_in.seal


@given(settings=any_options(), channel=st.sampled_from(get_args(Channel)))
def test_reasons_hold_no_address_no_host_and_no_seal(settings: Snapshot, channel: Channel) -> None:
    told = "\n".join(route(settings, channel).reasons)
    assert ".example" not in told.lower()
    assert "enc:" not in told
    assert "@" not in told
