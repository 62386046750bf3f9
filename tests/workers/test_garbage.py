"""What nobody of ours wrote lies in our queues: it is dropped, and the mail behind it is delivered."""

from __future__ import annotations

from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox

GARBAGE: tuple[str | bytes, ...] = ("no json", '""', "[1,2]", "5", "null", b"\xff\xfe", "[" * 200_000, "{}")


def test_garbage_ends_no_worker_and_holds_nothing_up(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    with installation.worker("--loglevel=INFO") as worker:
        client = installation.runtime.redis
        client.lpush("notify.normal", *GARBAGE)
        published = installation.publish()
        installation.wait_state(published.id, "delivered")
        assert worker.process.poll() is None
        assert client.hlen("notify.unacked") == 0
