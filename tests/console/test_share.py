"""`notify share`: the list of hosts, and an account that is to be tried again."""

from __future__ import annotations

import pytest
import redis

from settings_store.store import SettingsStore
from tasks.attachments.source import AttachmentFault
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.attachments.unc.status import SignInRefused
from tests.rigs.command_line import CommandLine
from tests.rigs.share_access import account

FILES = "files.corp.example"


def test_a_host_is_allowed_listed_and_taken_off_again(notify: CommandLine, store: SettingsStore) -> None:
    assert notify("share", "list").err == "none: no file is read from a network share\n"
    done = notify("share", "allow", FILES, r"\\Nas\D$", "--reason", "job logs")
    assert (done.code, done.out.splitlines()[-1]) == (0, "saved as revision 1")
    assert notify("share", "allow", "*.lab.example", "--reason", "x").code == 0
    assert notify("share", "list").out.splitlines() == [FILES, r"\\nas\d$", "*.lab.example"]
    assert notify("share", "list", "--json").json == {
        "revision": 2,
        "allowed": [FILES, r"\\nas\d$", "*.lab.example"],
    }
    assert notify("share", "disallow", FILES.upper(), "--reason", "moved").code == 0
    assert store.snapshot().text("unc.allowed_hosts") == r"\\nas\d$, *.lab.example"


def test_what_is_allowed_already_changes_nothing(notify: CommandLine, store: SettingsStore) -> None:
    notify("share", "allow", FILES, "--reason", "x")
    done = notify("share", "allow", FILES, "--reason", "x")
    assert done.code == 0
    assert done.err.startswith("nothing differs, revision 1 holds\n")
    assert store.snapshot().revision == 1


def test_a_dry_run_changes_nothing_and_needs_no_reason(notify: CommandLine, store: SettingsStore) -> None:
    assert notify("share", "allow", FILES, "--dry-run").code == 0
    assert store.snapshot().revision == 0
    assert notify("share", "allow", FILES).code == 2


def test_what_is_no_entry_is_refused_with_what_is_allowed(notify: CommandLine) -> None:
    done = notify("share", "allow", "files:445", "--reason", "x")
    assert done.code == 2
    assert done.error.startswith("unc.allowed_hosts: has no host in entry 1")


def test_what_is_not_on_the_list_cannot_be_taken_off(notify: CommandLine) -> None:
    done = notify("share", "disallow", FILES, "--reason", "x")
    assert (done.code, done.error) == (3, f"{FILES} is not on the list")


def test_a_refused_account_is_tried_again_at_once_and_the_audit_knows(
    notify: CommandLine, redis_server: redis.Redis
) -> None:
    guard = SignInGuard(redis_server)

    def is_tried() -> bool:
        refusal = SignInRefused("the account is locked out")
        with pytest.raises(AttachmentFault) as caught, guard(account(), FILES, Budget(5)):
            raise refusal
        return caught.value is refusal

    assert [is_tried(), is_tried()] == [True, False]
    assert notify("share", "retry").out == "the account is tried again with the next file\n"
    assert is_tried()
    assert notify("share", "retry", "--json").json == {"forgotten": 1}
    assert notify("share", "retry").out == "the account was not refused\n"
    rows = notify("audit", "list", "--json").json
    assert [row["action"] for row in rows["rows"]].count("share.retry") == 3
