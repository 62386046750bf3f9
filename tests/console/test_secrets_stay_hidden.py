"""Planted secrets and every command that could show one: what it prints, writes, and leaves in Redis."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from settings_store.access import Access, Doorkeeper, SignInRefused
from settings_store.access.token_text import PREFIX
from settings_store.keyring import read
from tests.rigs.command_line import CommandLine
from tests.rigs.planted import Planted

CLIENT_SECRET = "primary_email.client_secret"
PASSWORD = "primary_email.authentication_password"


def test_no_command_shows_a_secret_of_an_option(
    notify: CommandLine, key_file: Path, planted: Planted, redis_server: redis.Redis
) -> None:
    planted.in_redis(redis_server)
    secret, password = planted.secret("client"), planted.secret("password")
    for key in read(key_file).keys.values():
        planted.plant(key.hex())
    reason = ("--reason", "renewed")
    assert notify("options", "set", f"{CLIENT_SECRET}=-", *reason, stdin=secret.encode()).code == 0
    sealed = notify("encrypt", stdin=password.encode()).out.strip()
    assert notify("options", "set", f"{PASSWORD}={sealed}", *reason).code == 0
    for wrong in (
        f"{PASSWORD}={password}",
        f"{CLIENT_SECRET}={secret}",
        f"primary_email.server_port={secret}",
    ):
        assert notify("options", "set", wrong, *reason).code == 2
    command: tuple[str, ...]
    for command in (
        ("options", "list", "--json"),
        ("options", "get", "primary_email"),
        ("options", "history", "--json"),
        ("options", "history"),
        ("options", "diff", "0", "2"),
        ("options", "export"),
        ("options", "rollback", "1", *reason),
        ("options", "mirror", "email", "on", *reason),
        ("audit", "list", "--json"),
        ("audit", "export"),
        ("route", "explain", "email", "--json"),
        ("server", "list", "--json"),
        ("doctor", "--json"),
        ("keys", "status", "--json"),
        ("keys", "rotate", "--new-key", "--json"),
    ):
        done = notify(*command)
        assert done.out, f"{command} was to print something: {done.err}"
        planted.look(done.out, done.err)
    key_file.chmod(0o644)
    for command in (("keys", "rotate"), ("options", "set", f"{CLIENT_SECRET}=-", *reason), ("doctor",)):
        planted.look(*vars_of(notify(*command, stdin=secret.encode())))


def test_no_password_and_no_token_of_an_account_is_kept_or_shown_again(
    notify: CommandLine, planted: Planted, redis_server: redis.Redis
) -> None:
    planted.in_redis(redis_server)
    password = planted.secret("password")
    assert notify("account", "add", "anna", "--role", "Role_ocadm", stdin=password.encode()).code == 0
    made = notify("account", "add", "bert", "--role", "Role_ocadm", "--generate", "--json").json["password"]
    token = notify("token", "create", "ci", "--privilege", "view_notifications", "--json").json["token"]
    planted.plant(made)
    planted.plant(token.removeprefix(PREFIX).partition("_")[2])
    door = Doorkeeper(Access(redis_server))
    door.sign_in("anna", password, source="web")
    door.by_token(token, source="api")
    refused: list[BaseException] = []
    for name, given in ((password, "anna"), ("anna", made), ("bert", password)):
        with pytest.raises(SignInRefused) as caught:
            door.sign_in(name, given, source="web")
        refused.append(caught.value)
    with pytest.raises(SignInRefused) as caught:
        door.by_token(f"{token[:-3]}xyz", source="api")
    planted.look(*refused, caught.value)
    for command in (
        ("account", "list", "--json"),
        ("account", "list"),
        ("token", "list", "--json"),
        ("role", "list"),
        ("audit", "list"),
        ("audit", "export"),
    ):
        planted.look(*vars_of(notify(*command)))
    planted.look(repr(door._access.book()), repr(door._access.kept._last))


def vars_of(done: object) -> tuple[str, str]:
    """What a command printed."""
    out, err = getattr(done, "out", ""), getattr(done, "err", "")
    assert out or err
    return out, err
