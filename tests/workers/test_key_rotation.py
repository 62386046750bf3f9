"""A real worker goes on sending with a sign-in while the key under its password is changed."""

from __future__ import annotations

import threading
from pathlib import Path

from console.cli import keys
from settings_store import key_file
from settings_store.keyring import generate, read
from tasks.key_rotation import KeyRotation
from tests.rigs.delivery_servers import mail_server
from tests.rigs.installation import running_installation
from tests.rigs.processes import wait_until


def test_a_rotation_stops_no_worker_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    old = generate(path).primary
    with (
        running_installation(tmp_path / "installation", NOTIFY_KEY_FILE=str(path)) as installation,
        mail_server() as server,
    ):
        installation.configure(primary=server.port)
        store = installation.runtime.store
        store.change(
            {
                "primary_email.authentication_user": "robot@corp.test",
                "primary_email.authentication_password": store.cipher.seal_for_pasting("open sesame"),
            },
            author="test",
        )
        revision = store.snapshot().revision
        with installation.worker():
            first = installation.publish()
            installation.wait_state(first.id, "delivered", seconds=60)
            rotation = KeyRotation(installation.runtime.redis, prefix=installation.environment.prefix)
            wait_until(lambda: not rotation.lacking(old), seconds=60, what="the worker being heard of")
            stop = threading.Event()
            published: list[str] = []

            def publish() -> None:
                while not stop.wait(0.05):
                    published.extend(installation.publish_many(2))

            publisher = threading.Thread(target=publish)
            publisher.start()
            try:
                new = key_file.add_next(path)
                keys._wait_for_workers(rotation, new, 60)
                key_file.promote(path, new)
                done = rotation.reseal(read(path))
                assert {title: each.done for title, each in done.items()} == {
                    "options": 1,
                    "history of the options": 1,
                    "drafts of server tests": 0,
                    "drafts of attachment tests": 0,
                    "tokens of OAuth": 0,
                }
                key_file.remove(path, old)
                wait_until(
                    lambda: bool(rotation.lacking(old)), seconds=60, what="the worker forgetting the key"
                )
                # Another user is another sign-in: this very worker opens the password anew.
                store.change({"primary_email.authentication_user": "robot2@corp.test"}, author="test")
                last = installation.publish()
            finally:
                stop.set()
                publisher.join()
            for each in [*published, last.id]:
                installation.wait_state(each, "delivered", seconds=60)
        assert store.snapshot().revision == revision + 1, "a rotation makes none"
        assert len(server.got) == len(published) + 2
        assert server.verbs.count("AUTH") >= 2
