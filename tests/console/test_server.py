"""`notify server list`, `pause` and `resume`; `test` is in tests/server_test."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from settings_store.audit import Audit
from settings_store.audit_row import Wanted
from settings_store.store import SettingsStore
from tasks.breaker import Breaker
from tasks.limits import Limits, account_of, allowance_for
from tasks.routing import server_of
from tasks.server import ServerName
from tasks.verdict import Verdict
from tests.rigs.command_line import CommandLine

FIELDS = [
    *("name", "label", "configured", "host", "port", "tls", "sign_in", "sender", "places", "same_as"),
    *("state", "since", "reason", "failures", "next_probe_at", "last_success_at", "last_failure_at"),
    "last_failure_reason",
    *("paused_by", "paused_until", "limits", "last_test"),
]


@pytest.fixture
def routed(store: SettingsStore) -> SettingsStore:
    """Two e-mail servers; texts go by them too."""
    store.change(
        {
            "primary_email.server_name": "mail.example",
            "primary_email.server_port": 587,
            "primary_email.enable_ssl": True,
            "secondary_email.server_name": "backup.example",
            "limits.primary_email_messages_per_minute": 30,
        },
        author="a",
    )
    return store


@pytest.fixture
def breaker(redis_server: redis.Redis) -> Breaker:
    return Breaker(redis_server)


def fingerprint(store: SettingsStore, name: ServerName) -> str:
    server = server_of(store.snapshot(), name)
    assert server is not None
    return server.fingerprint


def listed(notify: CommandLine) -> dict[str, dict[str, Any]]:
    done = notify("server", "list", "--json")
    assert done.code == 0, done.err
    return {each["name"]: each for each in done.json["servers"]}


@pytest.mark.usefixtures("routed")
def test_the_json_has_exactly_the_names_that_others_rely_on(notify: CommandLine) -> None:
    done = notify("server", "list", "--json")
    assert list(done.json) == ["revision", "channels", "servers"]
    assert done.json["channels"]["email"] == {
        "condition": "well",
        "carrier": "primary_email",
        "reason": None,
    }
    assert [list(each) for each in done.json["servers"]] == [FIELDS] * 4
    servers = listed(notify)
    assert list(servers) == ["primary_email", "secondary_email", "primary_sms", "secondary_sms"]
    primary = servers["primary_email"]
    assert (primary["host"], primary["port"], primary["tls"]) == ("mail.example", 587, "starttls")
    assert primary["places"] == {"email": 1, "text": 1}
    assert primary["limits"] == {
        "messages_per_minute": 30,
        "connections": 0,
        "used": {"messages": 0, "messages_waiting": 0, "connections": 0, "workers_waiting": 0},
    }
    assert (primary["state"], primary["last_test"]) == ("closed", None)
    assert servers["primary_sms"]["configured"] is False
    assert servers["primary_sms"]["state"] is None


def test_what_is_used_of_the_limits_is_told_for_all_who_share_the_account(
    notify: CommandLine, redis_server: redis.Redis, routed: SettingsStore
) -> None:
    routed.change(
        {
            "secondary_email.server_name": "mail.example",
            "secondary_email.server_port": 2525,
            "limits.secondary_email_messages_per_minute": 20,
            "limits.secondary_email_connections": 3,
        },
        author="a",
    )
    snapshot = routed.snapshot()
    server = server_of(snapshot, "primary_email")
    assert server is not None
    limits, allowance = Limits(redis_server, worker="w1"), allowance_for(snapshot, server)
    for number in range(4):
        limits.take(account_of(server), allowance, message=f"m{number}", holder=f"h{number % 2}")
    assert "limits: 2 of 20 a minute, 2 of 3 connections; 2 messages wait\n" in notify("server", "list").out
    servers = listed(notify)
    used = {"messages": 2, "messages_waiting": 2, "connections": 2, "workers_waiting": 0}
    for name in ("primary_email", "secondary_email"):
        assert servers[name]["limits"] == {"messages_per_minute": 20, "connections": 3, "used": used}


def test_an_open_server_says_why_since_when_and_when_it_is_tested(
    notify: CommandLine, routed: SettingsStore, breaker: Breaker
) -> None:
    for attempt in range(3):
        breaker.report(
            fingerprint(routed, "primary_email"),
            Verdict.SERVER_DOWN,
            name="primary_email",
            token=str(attempt),
            began_ms=10**13,
            reason="the server refuses connections",
        )
    primary = listed(notify)["primary_email"]
    assert (primary["state"], primary["failures"]) == ("open", 3)
    assert primary["reason"] == "the server refuses connections"
    assert primary["since"]
    assert primary["next_probe_at"]
    assert primary["last_failure_at"]
    assert notify("server", "list", "--json").json["channels"]["text"] == {
        "condition": "fallback",
        "carrier": "secondary_email",
        "reason": "the server refuses connections",
    }
    human = notify("server", "list").out
    assert human.startswith(
        "! e-mail: on the fallback, secondary_email carries in place of primary_email\n"
        "! texts: on the fallback, secondary_email carries in place of primary_email\n\n"
    )
    assert "primary_email  Primary Email: passed over, for e-mail first, texts first" in human
    assert "3 failures in a row: the server refuses connections" in human
    assert "tested again in " in human
    breaker.report(
        fingerprint(routed, "primary_email"),
        Verdict.DELIVERED,
        name="primary_email",
        token="x",
        began_ms=10**13,
    )
    primary = listed(notify)["primary_email"]
    assert (primary["state"], primary["reason"]) == ("closed", None)
    assert primary["last_failure_reason"] == "the server refuses connections"
    assert ": the server refuses connections" in notify("server", "list").out


@pytest.mark.usefixtures("routed")
def test_a_pause_holds_with_its_reason_author_and_end_until_it_is_resumed(notify: CommandLine) -> None:
    done = notify("server", "pause", "primary_email", "--reason", "new certificate", "--for", "30m")
    assert (done.code, done.out) == (0, "primary_email is paused for 30 min\n")
    primary = listed(notify)["primary_email"]
    assert (primary["state"], primary["reason"]) == ("paused", "new certificate")
    assert "@" in primary["paused_by"]
    assert primary["paused_until"]
    assert "ends in 29 min: new certificate" in notify("server", "list").out
    assert notify("server", "resume", "primary_email").out == "primary_email is no longer paused\n"
    assert listed(notify)["primary_email"]["state"] == "closed"
    again = notify("server", "resume", "primary_email")
    assert (again.code, again.out) == (0, "primary_email was not paused\n")


@pytest.mark.usefixtures("routed")
def test_pauses_and_resumes_are_in_the_audit_with_who_and_why(
    notify: CommandLine, redis_server: redis.Redis
) -> None:
    notify("server", "pause", "primary_email", "--reason", "new certificate", "--for", "1h")
    notify("server", "resume", "primary_email")
    notify("server", "pause", "primary_sms", "--reason", "not set")
    resumed, paused = Audit(redis_server).rows(Wanted(action="server"))
    assert (paused.action, paused.target) == ("server.pause", "primary_email")
    assert paused.detail == {"reason": "new certificate", "seconds": 3600.0}
    assert "@" in paused.actor
    assert paused.source.startswith("cli ")
    assert (resumed.action, resumed.detail) == ("server.resume", {"before": "paused"})


@pytest.mark.usefixtures("routed")
def test_a_pause_without_a_length_lasts_until_it_is_resumed(notify: CommandLine) -> None:
    done = notify("server", "pause", "secondary_email", "--reason", "moved", "--json")
    assert done.json == {
        "server": "secondary_email",
        "paused": True,
        "seconds": None,
        "also": [],
        "saved": True,
    }
    assert listed(notify)["secondary_email"]["paused_until"] is None


@pytest.mark.usefixtures("routed")
def test_with_every_server_paused_it_is_said_that_everything_waits(notify: CommandLine) -> None:
    for name in ("primary_email", "secondary_email"):
        notify("server", "pause", name, "--reason", "x")
    assert notify("server", "list").out.startswith("✗ e-mail: no server may be used now")


@pytest.mark.usefixtures("routed")
def test_a_dry_run_pauses_and_resumes_nobody(notify: CommandLine) -> None:
    assert notify("server", "pause", "primary_email", "--reason", "x", "--dry-run").code == 0
    assert listed(notify)["primary_email"]["state"] == "closed"
    notify("server", "pause", "primary_email", "--reason", "x")
    assert notify("server", "resume", "primary_email", "--dry-run").code == 0
    assert listed(notify)["primary_email"]["state"] == "paused"


def test_a_mirrored_secondary_is_the_same_server_and_paused_with_it(
    notify: CommandLine, routed: SettingsStore
) -> None:
    routed.change({"mirror.email": True}, author="a")
    secondary = listed(notify)["secondary_email"]
    assert (secondary["same_as"], secondary["places"]) == ("primary_email", {})
    assert "not used: it is the same as primary_email" in notify("server", "list").out
    done = notify("server", "pause", "primary_email", "--reason", "x")
    assert "that is secondary_email too: same server, same sign-in" in done.err
    assert listed(notify)["secondary_email"]["state"] == "paused"


@pytest.mark.parametrize(
    "change",
    [
        ("set", "primary_email.server_port=2587"),
        ("reset", "primary_email.server_port"),
        ("rollback", "2"),
        ("import", "-"),
    ],
)
def test_a_change_that_ends_a_pause_says_so_and_how_to_pause_again(
    notify: CommandLine, routed: SettingsStore, change: tuple[str, ...]
) -> None:
    routed.change({"primary_email.server_port": 465}, author="a")
    routed.change({"primary_email.server_port": 587}, author="a")
    notify("server", "pause", "primary_email", "--reason", "x")
    given = b'{"SMTP Server Port (Primary Email)": 2587}' if change[0] == "import" else b""
    tried = notify("options", *change, "--dry-run", stdin=given)
    assert listed(notify)["primary_email"]["state"] == "paused"
    done = notify("options", *change, "--reason", "moved", stdin=given)
    assert done.code == 0
    assert listed(notify)["primary_email"]["state"] == "closed"
    for said in (tried.err, done.err):
        assert (
            "warning: Primary Email: it is paused, and with these options it is another server, "
            "which is not: `notify server pause primary_email --reason TEXT`"
        ) in said
    back = notify("options", "rollback", "3", "--reason", "back", "--json")
    assert not any("paused" in warning for warning in back.json["warnings"])


def test_a_mirror_that_ends_a_pause_says_so(notify: CommandLine, routed: SettingsStore) -> None:
    assert routed.snapshot().revision == 1
    notify("server", "pause", "secondary_email", "--reason", "x")
    done = notify("options", "mirror", "email", "on", "--reason", "y", "--json")
    assert any("Secondary Email: it is paused" in warning for warning in done.json["warnings"])


@pytest.mark.parametrize(
    "arguments, code, error",
    [
        (("pause", "primary_sms", "--reason", "x"), 3, "primary_sms: Primary SMS is not set"),
        (("resume", "primary_sms"), 3, "primary_sms: Primary SMS is not set"),
        (("pause", "primary_email"), 2, "--reason"),
        (("pause", "primary_email", "--reason", " "), 2, "--reason is blank"),
        (("pause", "primary_email", "--reason", "x" * 201), 2, "--reason is too long; allowed: 200"),
        (("pause", "primary_email", "--reason", "x", "--for", "soon"), 2, "--for: is neither"),
        (("pause", "primary_email", "--reason", "x", "--for", "0m"), 2, "--for: is not in the future"),
        (("pause", "mail", "--reason", "x"), 2, "'mail' is not one of"),
    ],
)
@pytest.mark.usefixtures("routed")
def test_what_cannot_be_paused_or_resumed_is_refused(
    notify: CommandLine, arguments: tuple[str, ...], code: int, error: str
) -> None:
    done = notify("server", *arguments)
    assert done.code == code
    assert error in done.error


def test_with_nothing_set_the_list_says_what_to_do_next(notify: CommandLine) -> None:
    done = notify("server", "list")
    assert done.out.splitlines()[0] == "primary_email  Primary Email: not set"
    assert "notify options set primary_email.server_name=HOST" in done.err


@pytest.mark.usefixtures("routed")
def test_a_secondary_without_a_primary_is_shown_as_not_used(
    notify: CommandLine, store: SettingsStore
) -> None:
    store.change({"primary_email.server_name": ""}, author="a")
    assert (
        "secondary_email  Secondary Email: not used: Primary Email is not set" in notify("server", "list").out
    )


@pytest.mark.usefixtures("routed")
def test_the_list_fits_a_terminal_of_80_columns_and_knows_no_color(notify: CommandLine) -> None:
    notify("server", "pause", "primary_email", "--reason", "a long reason " * 12)
    coloured = notify.terminal("server", "list")
    plain = notify.terminal("server", "list", env={"NO_COLOR": "1"})
    assert "\x1b[" in coloured.out
    assert "\x1b[" not in plain.out
    assert max(map(len, plain.out.splitlines())) <= 80
