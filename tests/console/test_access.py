"""`notify account`, `role` and `token`: passwords and tokens are shown once or never."""

from __future__ import annotations

import pytest
import redis

from settings_store.access import Access, Doorkeeper, SignInRefused
from settings_store.access.token_text import PREFIX
from tests.rigs.accounts import PASSWORD
from tests.rigs.command_line import CommandLine

PIPED = PASSWORD.encode()


@pytest.fixture
def access(redis_server: redis.Redis) -> Access:
    return Access(redis_server)


@pytest.fixture
def anna(notify: CommandLine) -> str:
    assert notify("account", "add", "Anna", "--role", "Role_ocadm", stdin=PIPED + b"\n").code == 0
    return "anna"


def test_an_account_is_made_from_a_piped_password_that_signs_in(access: Access, anna: str) -> None:
    assert Doorkeeper(access).sign_in(anna, PASSWORD, source="web").name == "anna"
    assert [row.action for row in access.audit.rows()] == ["account.sign_in", "account.add"]


def test_a_generated_password_is_printed_once_alone_on_stdout(notify: CommandLine, access: Access) -> None:
    done = notify("account", "add", "anna", "--role", "role_ocadm", "--generate")
    assert done.code == 0
    session = Doorkeeper(access).sign_in("anna", done.out.strip(), source="web")
    assert session.must_change_password
    again = notify("account", "set-password", "ANNA", "--generate", "--json").json
    assert again["name"] == "anna"
    assert Doorkeeper(access).sign_in("anna", again["password"], source="web").must_change_password
    assert again["password"] not in notify("account", "list", "--json").out


def test_a_password_is_asked_for_twice_at_a_terminal_and_not_shown(notify: CommandLine) -> None:
    done = notify.terminal("account", "add", "anna", "--role", "Role_ocadm", typed=PIPED + b"\n")
    assert done.code == 0
    assert PASSWORD not in done.out


@pytest.mark.parametrize(
    "arguments, stdin, code, error",
    [
        (("account", "add", "x", "--role", "Role_ocadm"), b"short", 2, "password: is too short; allowed"),
        (("account", "add", "x", "--role", "Role_ocadm"), b"", 2, "stdin: is empty"),
        (("account", "add", "x", "--role", "none"), PIPED, 3, "none: there is no such role"),
        (("account", "add", "x@y", "--role", "Role_ocadm"), PIPED, 2, "account: is not a name; allowed"),
        (("account", "add", "anna", "--role", "Role_ocadm"), PIPED, 1, "anna: there is such an account"),
        (("account", "remove", "bert"), b"", 3, "bert: there is no such account"),
        (("account", "remove", "anna"), b"", 1, "anna: is the last account with Role_ocadm"),
        (("account", "disable", "anna"), b"", 1, "anna: is the last account with Role_ocadm"),
        (("account", "set-password", "bert"), PIPED, 3, "bert: there is no such account"),
        (("role", "remove", "Role_ocadm"), b"", 1, "Role_ocadm: is built in"),
        (("role", "add", "x", "--privilege", "administer"), b"", 2, "invalid value for '--privilege'"),
        (
            ("token", "create", "x", "--privilege", "view_notifications", "--expires", "0d"),
            b"",
            2,
            "expires:",
        ),
        (
            ("token", "create", "x", "--privilege", "view_notifications", "--expires", "x"),
            b"",
            2,
            "--expires:",
        ),
        (("token", "revoke", "x"), b"", 3, "x: there is no such token"),
    ],
)
@pytest.mark.usefixtures("anna")
def test_what_cannot_be_done_ends_in_one_line_and_its_exit_code(
    notify: CommandLine, arguments: tuple[str, ...], stdin: bytes, code: int, error: str
) -> None:
    done = notify(*arguments, stdin=stdin)
    assert (done.code, done.error[: len(error)]) == (code, error)
    assert PASSWORD not in done.out + done.err


@pytest.mark.usefixtures("anna")
def test_accounts_are_disabled_enabled_unlocked_given_roles_and_removed(
    notify: CommandLine, access: Access
) -> None:
    assert notify("role", "add", "operators", "--privilege", "manage_notifications").code == 0
    assert notify("account", "add", "bert", "--role", "operators", stdin=PIPED).code == 0
    assert notify("account", "disable", "bert").out == "bert is disabled\n"
    with pytest.raises(SignInRefused):
        Doorkeeper(access).sign_in("bert", PASSWORD, source="web")
    assert notify("account", "enable", "bert", "--json").json["disabled"] is False
    assert notify("account", "unlock", "bert").out == "bert may sign in\n"
    assert notify("account", "set-role", "bert", "Role_ocadm", "operators").out == (
        "bert has the role Role_ocadm, operators\n"
    )
    listed = notify("account", "list", "--json").json["accounts"]
    assert [account["name"] for account in listed] == ["anna", "bert"]
    assert "argon2" not in str(listed)
    assert notify("account", "remove", "bert").code == 0
    assert notify("account", "list").out.splitlines()[1].split()[:2] == ["anna", "Role_ocadm"]


@pytest.mark.usefixtures("anna")
def test_roles_are_made_changed_listed_and_removed(notify: CommandLine) -> None:
    notify("role", "add", "viewers", "--privilege", "view_notifications")
    done = notify("role", "set", "Viewers", "--privilege", "view_server_options", "--json")
    assert done.json == {
        "name": "viewers",
        "privileges": ["view_server_options"],
        "built_in": False,
        "accounts": [],
    }
    rows = notify("role", "list").out.splitlines()
    assert rows[1].split() == ["Role_ocadm", "everything", "anna"]
    assert rows[2].split() == ["viewers", "view_server_options", "nobody"]
    assert notify("role", "remove", "viewers").code == 0
    assert len(notify("role", "list", "--json").json["roles"]) == 1


def test_a_token_is_printed_once_and_listed_without_its_secret(notify: CommandLine, access: Access) -> None:
    done = notify("token", "create", "ci", "--privilege", "manage_notifications")
    text = done.out.strip()
    assert Doorkeeper(access).by_token(text, source="api").name == "token:ci"
    (listed,) = notify("token", "list", "--json").json["tokens"]
    assert text.startswith(listed["id"] + "_")
    assert listed["last_used"]
    shown = notify("token", "list").out
    assert "in 89 d" in " ".join(shown.split())
    assert text.removeprefix(PREFIX).partition("_")[2] not in shown + str(listed)
    assert notify("token", "revoke", listed["id"]).out == "ci is revoked\n"
    with pytest.raises(SignInRefused):
        Doorkeeper(access).by_token(text, source="api")


@pytest.mark.usefixtures("anna")
def test_a_token_of_an_account_without_end(notify: CommandLine) -> None:
    made = notify(
        "token", "create", "ci", "--privilege", "view_notifications", "--expires", "never",
        "--account", "anna", "--json",
    ).json  # fmt: skip
    assert (made["account"], made["expires_at"]) == ("anna", None)
    assert made["token"].startswith(made["id"])


def test_the_host_needs_no_account_and_is_named_in_the_audit(notify: CommandLine) -> None:
    notify("role", "add", "viewers", "--privilege", "view_notifications")
    (row,) = notify("audit", "list", "--json").json["rows"]
    assert "@" in row["actor"]
    assert row["source"].startswith("cli ")
