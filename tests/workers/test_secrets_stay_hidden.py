"""Planted secrets, a real worker that signs in with them, and a look wherever anybody can look."""

from __future__ import annotations

import json
from pathlib import Path

from settings_store.keyring import generate
from tests.rigs.delivery_servers import mail_server
from tests.rigs.installation import running_installation
from tests.rigs.listening import listening_to_commands, listening_to_events
from tests.rigs.planted import Planted, everything_in
from tests.rigs.processes import wait_until
from tests.rigs.whole_records import WHOLE_RECORDS

PASSWORD = "primary_email.authentication_password"
CLIENT_SECRET = "secondary_email.client_secret"


def test_a_worker_that_signs_in_or_cannot_shows_no_secret(tmp_path: Path, planted: Planted) -> None:
    path = tmp_path / "keys.json"
    ring = generate(path)
    password, client_secret = planted.secret("password"), planted.secret("clientsecret")
    for key in ring.keys.values():
        planted.plant(key.hex())
    with (
        running_installation(tmp_path / "installation", NOTIFY_KEY_FILE=str(path)) as installation,
        listening_to_events(installation.server.url) as events,
        listening_to_commands(installation.server.url) as commands,
        mail_server() as server,
    ):
        store = installation.runtime.store
        installation.configure(primary=server.port, secondary=server.port)
        store.change(
            {
                "primary_email.authentication_user": "robot@corp.test",
                PASSWORD: store.cipher.seal_for_pasting(password),
                CLIENT_SECRET: client_secret,
                "secondary_email.application_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
            },
            author="test",
        )
        with installation.worker("--loglevel=DEBUG", prelude=WHOLE_RECORDS) as worker:
            sent = installation.publish()
            installation.wait_state(sent.id, "delivered", seconds=60)
            assert "AUTH" in server.verbs
            server.answers["AUTH"] = "535 5.7.8 no"
            store.change({"primary_email.authentication_user": "robot2@corp.test"}, author="test")
            refused = installation.publish()
            installation.wait_state(refused.id, "delivered", "waiting", seconds=60)
            other = tmp_path / "other.json"
            generate(other)
            path.write_bytes(other.read_bytes())  # the worker follows, and opens nothing any more
            store.change({"primary_email.authentication_user": "robot3@corp.test"}, author="test")
            unopened = installation.publish()
            told = f"sealed with the key {ring.primary}, which is not in the key ring"
            # It says so of the notification, or leaves the queues before it takes it.
            wait_until(
                lambda: told in installation.record(unopened.id).reason or told in worker.log(),
                seconds=60,
                what="the worker saying so",
            )
            log = worker.log()
        records = [repr(installation.record(each.id)) for each in (sent, refused, unopened)]
        planted.look(log, json.dumps(events), "\n".join(commands), *records)
        planted.look(*everything_in(installation.runtime.redis))
        assert server.got, "the server must have been signed in to"
