"""Files with a mail from a real worker: job output, and a large file that is streamed and leaves no trace."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mail, Mailbox
from tests.rigs.processes import wait_until
from tests.rigs.samba import PASSWORD as SHARE_PASSWORD
from tests.rigs.samba import USER as SHARE_USER
from tests.rigs.samba import running_samba
from tests.rigs.scheduler_api import PASSWORD, USER, scheduler_api
from tests.rigs.scripted_smtp import Silence

#: With base64 and line ends just below the 99 MB that the option can allow at most.
LARGE_BYTES = 72 * 1024 * 1024
LARGE_ON_SHARE_BYTES = 40 * 1024 * 1024
#: Less than either file: one that was held in memory would cost more.
COST_MAX_BYTES = 32 * 1024 * 1024
MEGABYTE = 1024 * 1024


@pytest.fixture
def large(tmp_path: Path, keyed_installation: Installation) -> Path:
    """A large file in an allowed folder, and a server that may get it."""
    folder = tmp_path / "reports"
    folder.mkdir()
    path = folder / "large.bin"
    write(path, LARGE_BYTES)
    keyed_installation.runtime.store.change(
        {"local_files.folders": str(folder), "primary_email.total_attachment_size_mb": 99}, author="test"
    )
    return path


@pytest.fixture
def on_share(keyed_installation: Installation) -> Iterator[tuple[Path, str]]:
    """A file that is larger than the memory that it may cost, and its path on a share."""
    with running_samba() as samba:
        written = samba.write("large.bin", b"")
        write(written, LARGE_ON_SHARE_BYTES)
        store = keyed_installation.runtime.store
        store.change(
            {
                "general.unc_user": SHARE_USER,
                "general.unc_password": store.cipher.seal_for_pasting(SHARE_PASSWORD),
                "unc.allowed_hosts": samba.address,
                "primary_email.total_attachment_size_mb": 99,
            },
            author="test",
        )
        yield written, samba.path("large.bin")


def write(path: Path, size_bytes: int) -> None:
    """Write a file of which no two blocks are alike."""
    block = hashlib.sha512(b"block").digest() * (MEGABYTE // 64)
    with path.open("wb") as file:
        for number in range(size_bytes // MEGABYTE):
            file.write(number.to_bytes(8) + block[8:])


def files_of(mail: Mail) -> dict[str, bytes]:
    message = message_from_bytes(mail.text, policy=policy.default)
    assert isinstance(message, EmailMessage)
    files = {}
    for part in message.iter_attachments():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        files[str(part.get_filename())] = content
    return files


def resident_bytes(pid: int, what: str) -> int:
    """What the kernel says of a process' memory: VmRSS now, VmHWM at its most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"^{what}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def test_job_output_comes_with_the_mail(keyed_installation: Installation, mailbox: Mailbox) -> None:
    with scheduler_api(outputs={7: {r"C:\out\7.txt": "grün\n", "/out/7.err": "bad"}}) as scheduler:
        keyed_installation.runtime.store.change(
            {
                "jors.api_address": scheduler.address,
                "jors.api_user": USER,
                "jors.api_password": PASSWORD,
            },
            author="test",
        )
        with keyed_installation.worker() as worker:
            published = keyed_installation.publish(attachments=[{"job_output": 7}])
            record = keyed_installation.wait_state(published.id, "delivered", seconds=60)
            log = worker.log()
    (mail,) = mailbox.mails()
    assert files_of(mail) == {"7.txt": "grün\n".encode(), "7.err": b"bad"}
    assert [entry["verdict"] for entry in record.timeline] == [
        "attachment_fetched", "attachment_fetched", "delivered",
    ]  # fmt: skip
    assert "waits for the output of job 7" in log
    assert PASSWORD not in log
    assert scheduler.sign_ins == 1


def test_a_large_file_is_streamed_from_a_folder(
    keyed_installation: Installation, mailbox: Mailbox, large: Path
) -> None:
    is_streamed(keyed_installation, mailbox, large, str(large))


def test_a_large_file_is_streamed_from_a_share(
    keyed_installation: Installation, mailbox: Mailbox, on_share: tuple[Path, str]
) -> None:
    is_streamed(keyed_installation, mailbox, *on_share)


def is_streamed(installation: Installation, mailbox: Mailbox, file: Path, path: str) -> None:
    """It arrives whole by that path, and costs the worker hardly any memory."""
    with installation.worker() as worker:
        small = installation.publish()
        installation.wait_state(small.id, "delivered")
        before = resident_bytes(worker.process.pid, "VmRSS")
        published = installation.publish(attachments=[{"path": path}])
        installation.wait_state(published.id, "delivered", seconds=90)
        most = resident_bytes(worker.process.pid, "VmHWM")
    (mail,) = (mail for mail in mailbox.mails() if mail.notification_id == published.id)
    ((name, content),) = files_of(mail).items()
    assert name == "large.bin"
    with file.open("rb") as opened:
        assert hashlib.sha256(content).digest() == hashlib.file_digest(opened, "sha256").digest()
    cost, size = most - before, file.stat().st_size
    print(f"a file of {size // MEGABYTE} MiB cost {cost / MEGABYTE:.1f} MiB of {most / MEGABYTE:.0f}")
    assert cost < COST_MAX_BYTES < size


def test_a_worker_that_is_killed_while_it_sends_leaves_nothing_on_the_disk(
    keyed_installation: Installation, mailbox: Mailbox, large: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    mailbox.answer(".", Silence())
    with keyed_installation.worker(TMPDIR=str(scratch)) as worker:
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        keyed_installation.publish(attachments=[{"path": str(large)}])
        wait_until(lambda: mailbox.taken == 1, seconds=60, what="the whole text on its way")
        worker.kill()
    after = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert list(scratch.iterdir()) == []
    assert {path for path in after - before if "redis" not in str(path)} == set()
    assert sum(path.stat().st_size for path in after if path != large) < 10 * MEGABYTE
