"""The whole way: the command as a process, a real worker, a real file server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from settings_store.audit import Audit
from settings_store.audit_row import Wanted
from tests.attachment_test.conftest import Rig
from tests.rigs.command_line import CommandLine, Done
from tests.rigs.rogue import black_hole, running_rogue
from tests.rigs.samba import Samba

MEGABYTE = 1024 * 1024


def outcomes(done: Done) -> dict[str, str]:
    return {stage["stage"]: stage["outcome"] for stage in done.json["stages"]}


def failed(done: Done) -> dict[str, Any]:
    assert done.code == 1, done.out
    (stage,) = [stage for stage in done.json["stages"] if stage["outcome"] == "failed"]
    assert done.json["files"][0]["reason"] == stage["reason"]
    return dict(stage)


def test_a_file_on_a_share_is_fetched_by_a_worker_that_is_named(shares: Samba, notify: CommandLine) -> None:
    shares.write("payroll.log", b"x" * (3 * MEGABYTE))
    done = notify.process("attachment", "test", shares.path("payroll.log"), "--json")
    assert done.code == 0, done.out + done.err
    assert done.json["worker"].startswith("celery@")
    assert (done.json["ok"], done.json["kind"]) == (True, "share")
    assert list(outcomes(done)) == [
        *("path", "allowed", "resolve", "connect", "sign_in", "share", "open", "read")
    ]
    assert set(outcomes(done).values()) == {"ok"}
    read = done.json["stages"][-1]
    assert read["facts"]["bytes"] == 3 * MEGABYTE
    assert read["facts"]["mb_per_second"] > 0
    (file,) = done.json["files"]
    assert (file["name"], file["ok"], file["bytes"]) == ("payroll.log", True, 3 * MEGABYTE)


def test_nothing_is_mailed_kept_or_left_connected(rig: Rig, shares: Samba, notify: CommandLine) -> None:
    shares.write("a.txt", b"CONTENT OF THE FILE")
    done = notify.process("attachment", "test", shares.path("a.txt"), "--json")
    assert done.code == 0, done.out
    assert done.json["files"][0]["charset"] == "us-ascii"
    assert shares.connections() == 0
    assert sum(rig.installation.queries.counts().values()) == 0
    redis = rig.installation.runtime.redis
    assert list(redis.scan_iter("notify:attachment_test:*:draft")) == []
    everything = done.out + rig.worker.log()
    everything += "".join(str(redis.get(key)) for key in redis.scan_iter("notify:attachment_test:*"))
    assert "CONTENT" not in everything
    assert "a.txt" not in rig.worker.log()


def test_a_person_sees_each_step_with_advice_within_80_columns(shares: Samba, notify: CommandLine) -> None:
    done = notify.terminal("attachment", "test", shares.path("none.txt"))
    assert done.code == 1
    plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", done.out)
    lines = [line.rpartition("\r")[2] for line in plain.splitlines()]
    assert max(map(len, lines)) <= 80
    words = " ".join(plain.split())
    assert "on worker celery@" in words
    assert "✓ sign in" in words
    assert "✗ open the file" in words
    assert "there is no such file → check the spelling" in words
    assert "· read it" in words
    assert "error: a mail would go without it" in words


@pytest.mark.usefixtures("shares")
def test_a_host_that_is_not_allowed_is_asked_nothing(notify: CommandLine) -> None:
    with running_rogue() as rogue:
        done = notify.process("attachment", "test", rf"\\{rogue.address}\reports\a.txt", "--json")
        assert (rogue.connections, rogue.received) == (0, b"")
    stage = failed(done)
    assert (stage["stage"], stage["fault"]) == ("allowed", "not_allowed")
    assert f"notify share allow {rogue.address}" in stage["reason"]
    assert outcomes(done)["connect"] == "not_reached"


@pytest.mark.parametrize(
    "path, stage, told",
    [
        (r"reports\none.txt", "open", ("there is no such file", "check the spelling")),
        (r"none\a.txt", "share", ("the server has no such share", "net view")),
        (r"denied\a.txt", "share", ("the account may not use the share", "permissions of the share")),
        (r"reports\secret.txt", "open", ("the account may not read it", "(Security)")),
        (r"reports\folder", "open", ("it is a folder", "folders are not sent")),
        (r"reports\*.txt", "path", ("has a wildcard", "wildcards")),
    ],
)
def test_each_refusal_is_at_its_step_in_an_administrators_words(
    shares: Samba, notify: CommandLine, path: str, stage: str, told: tuple[str, str]
) -> None:
    shares.write("a.txt", b"hello")
    shares.write("folder/b.txt", b"hello")
    shares.write("secret.txt", b"secret").chmod(0o600)
    found = failed(notify("attachment", "test", rf"\\{shares.address}\{path}", "--json"))
    assert found["stage"] == stage
    assert told[0] in found["reason"]
    assert told[1] in found["advice"][0]


def test_a_wrong_account_is_tried_once_and_never_again_by_the_next_test(
    rig: Rig, shares: Samba, notify: CommandLine
) -> None:
    rig.set(general__unc_password=rig.seal("wrong"))
    shares.write("a.txt", b"hello")
    before = shares.refused_sign_ins()
    found = failed(notify.process("attachment", "test", shares.path("a.txt"), "--json"))
    assert (found["stage"], found["fault"]) == ("sign_in", "denied")
    assert "logon failure" in found["reason"]
    assert "general.unc_password" in found["advice"][0]
    again = failed(notify.process("attachment", "test", shares.path("a.txt"), "--json"))
    assert "is not tried before" in again["reason"]
    assert "notify share retry" in again["advice"][0]
    assert shares.refused_sign_ins() == before + 1


def test_without_an_account_the_option_is_named(rig: Rig, shares: Samba, notify: CommandLine) -> None:
    rig.set(general__unc_user="")
    found = failed(notify("attachment", "test", shares.path("a.txt"), "--json"))
    assert found["stage"] == "allowed"
    assert "general.unc_user is blank" in found["reason"]
    assert "general.unc_user=" in found["advice"][0]


@pytest.mark.usefixtures("shares")
def test_a_host_that_hangs_is_given_up_in_its_time(rig: Rig, notify: CommandLine) -> None:
    with running_rogue() as silent:
        rig.set(unc__allowed_hosts=silent.address, unc__timeout_seconds=5)
        found = failed(notify.process("attachment", "test", rf"\\{silent.address}\reports\a.txt", "--json"))
    assert (found["stage"], found["fault"]) == ("connect", "late")
    assert "TCP 445" in found["advice"][0]
    with black_hole() as address:
        rig.set(unc__allowed_hosts=address)
        found = failed(notify.process("attachment", "test", rf"\\{address}\reports\a.txt", "--json"))
    assert (found["stage"], found["fault"]) == ("connect", "late")


def test_a_dfs_link_is_followed_step_by_step(shares: Samba, notify: CommandLine) -> None:
    shares.write("a.txt", b"hello")
    shares.link("link", rf"{shares.address}\reports")
    done = notify("attachment", "test", rf"\\{shares.address}\dfs\link\a.txt", "--json")
    assert done.code == 0, done.out
    names = [(stage["stage"], stage["place"]) for stage in done.json["stages"]]
    root = rf"\\{shares.address}\reports"
    assert names[-4:-1] == [("allowed", root), ("share", root), ("open", rf"{root}\a.txt")]
    referred = [stage["facts"]["referred"] for stage in done.json["stages"] if "referred" in stage["facts"]]
    assert referred == [[rf"{root}\a.txt"]]


def test_a_local_file_is_read_and_one_elsewhere_is_not(rig: Rig, notify: CommandLine) -> None:
    file = rig.folder / "allowed" / "f.log"
    file.write_bytes("grün\n".encode())
    done = notify.process("attachment", "test", str(file), "--json")
    assert done.code == 0, done.out
    assert outcomes(done) == {"allowed": "ok", "open": "ok", "read": "ok"}
    assert done.json["files"][0]["charset"] == "utf-8"
    found = failed(notify("attachment", "test", "/etc/passwd", "--json"))
    assert (found["stage"], found["fault"]) == ("allowed", "not_allowed")
    assert "local_files.folders" in found["advice"][0]
    found = failed(notify("attachment", "test", str(file.with_name("none.log")), "--json"))
    assert found["stage"] == "open"
    found = failed(notify("attachment", "test", r"C:\Logs\a.log", "--json"))
    assert found["stage"] == "path"


def test_what_a_server_takes_less_of_is_said(rig: Rig, notify: CommandLine) -> None:
    rig.installation.configure(primary=25)
    rig.set(primary_email__total_attachment_size_mb=1)
    (rig.folder / "allowed" / "big.bin").write_bytes(b"x" * MEGABYTE)
    done = notify("attachment", "test", str(rig.folder / "allowed" / "big.bin"), "--json")
    assert done.code == 0, done.out
    (file,) = done.json["files"]
    assert list(file["left_out"]) == ["primary_email"]
    assert "takes 1 MB of attachments" in file["left_out"]["primary_email"]


def test_a_test_is_in_the_audit(rig: Rig, notify: CommandLine) -> None:
    done = notify("attachment", "test", "/etc/passwd", "--json")
    row = next(Audit(rig.installation.runtime.redis).rows(Wanted(action="attachment.test")))
    assert (row.target, row.detail) == ("/etc/passwd", {"test": done.json["id"]})


@pytest.mark.parametrize(
    "arguments, error",
    [
        ((), "one thing is tested"),
        (("/a", "--job-output", "1"), "one thing is tested"),
        (("--job-output", "0"), "--job-output"),
        (("  ",), "PATH: is blank"),
        (("/a\nb",), "PATH: has a control character"),
    ],
)
def test_what_cannot_be_tested_is_refused_before_anybody_is_asked(
    notify: CommandLine, arguments: tuple[str, ...], error: str
) -> None:
    done = notify("attachment", "test", *arguments)
    assert done.code == 2
    assert error in done.error
