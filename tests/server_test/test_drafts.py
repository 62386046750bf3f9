"""What is tried before it is saved: sealed, taken once, told to nobody, and refused where it cannot be."""

from __future__ import annotations

import base64

import kombu.exceptions
import pytest

from settings_store.audit import Audit
from settings_store.audit_row import Wanted
from tasks.live_test.storage import DRAFT_LIFETIME_SECONDS
from tasks.server_test import Draft, InvalidDraft, ServerTests, TestNotTaken
from tasks.server_test.storage import Storage
from tests.rigs.command_line import CommandLine
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Script, scripted_server
from tests.rigs.servers_under_test import ServersUnderTest, state_of


def test_a_secret_among_unsaved_values_reaches_the_server_and_shows_nowhere(
    rig: ServersUnderTest, notify: CommandLine
) -> None:
    secret = "correct-horse-battery"
    sealed = notify("encrypt", stdin=secret.encode()).out.strip()
    redis = rig.installation.runtime.redis
    with scripted_server(Script(offers=("AUTH PLAIN",))) as peer:
        unsaved = {
            "server_port": str(peer.port),
            "authentication_user": "svc@corp.test",
            "authentication_password": sealed,
        }
        flags = [
            part for name, value in unsaved.items() for part in ("--set", f"primary_email.{name}={value}")
        ]
        done = notify.process("server", "test", "primary_email", *flags, "--json")
        assert done.code == 0, done.out
        commands = [command for each in peer.sessions for command in each.commands]
    token = base64.b64encode(f"\0svc@corp.test\0{secret}".encode()).decode()
    assert f"AUTH PLAIN {token}" in commands
    assert token not in rig.worker.log() + done.out
    everything = rig.worker.log() + done.out + done.err
    for key in redis.scan_iter():
        kind = redis.type(key)
        everything += str(
            redis.get(key) if kind == "string" else redis.hgetall(key) if kind == "hash" else ""
        )
    assert secret not in everything


def test_a_draft_is_sealed_while_it_waits_and_taken_once(rig: ServersUnderTest) -> None:
    runtime = rig.installation.runtime
    kept: list[str] = []

    class Overheard(type(runtime.bells)):  # type: ignore[misc]
        """Bells that look at the draft before they ring."""

        def ask_test(self, test_id: str) -> None:
            kept.append(str(runtime.redis.get(f"notify:server_test:{test_id}:draft")))
            super().ask_test(test_id)
            super().ask_test(test_id)

    bells = Overheard(rig.installation.server.url)
    tests = ServerTests(runtime.redis, runtime.store, bells)
    connections = rig.primary.connections
    test_id = tests.start(Draft("primary_email", by="me", to="somebody@private.example"))
    wait_until(lambda: state_of(tests, test_id) == "done", what="the test being done")
    rig.worker.wait_logged("taken or withdrawn before")
    bells.close()
    assert rig.primary.connections == connections + 1
    (draft,) = kept
    assert draft.startswith("enc:v1:")
    assert "private.example" not in draft


def test_a_test_is_in_the_audit_without_the_recipient_or_a_value(
    rig: ServersUnderTest, notify: CommandLine
) -> None:
    unsaved = f"primary_email.server_port={rig.secondary.port}"
    arguments = ("--set", unsaved, "--to", "ops@private.example", "--json")
    done = notify.process("server", "test", "primary_email", *arguments)
    row = next(Audit(rig.installation.runtime.redis).rows(Wanted(action="server.test")))
    assert row.target == "primary_email"
    assert row.detail == {"test": done.json["id"], "overrides": ["primary_email.server_port"], "send": False}
    assert "private.example" not in repr(row)


def test_what_is_withdrawn_is_not_tested(rig: ServersUnderTest) -> None:
    class Silent:
        """Bells that nobody hears."""

        def ask_test(self, test_id: str) -> None:
            del test_id

    runtime = rig.installation.runtime
    tests = ServerTests(runtime.redis, runtime.store, Silent())  # type: ignore[arg-type]
    connections = rig.primary.connections
    test_id = tests.start(Draft("primary_email", by="me"))
    assert tests.withdraw(test_id) is True
    assert tests.withdraw(test_id) is False
    assert runtime.examiner.make(test_id, worker="w") == "taken or withdrawn before"
    assert rig.primary.connections == connections
    assert state_of(tests, test_id) == "waiting"
    storage = Storage(runtime.redis, "notify")
    report = storage.read(test_id)
    assert report is not None
    report.asked_at_ms -= (DRAFT_LIFETIME_SECONDS + 1) * 1000
    storage.write(report)
    assert state_of(tests, test_id) == "unanswered"


def test_a_broker_that_is_away_is_told_at_once(rig: ServersUnderTest) -> None:
    class Broken:
        """Bells without a broker."""

        def ask_test(self, test_id: str) -> None:
            del test_id
            raise kombu.exceptions.OperationalError

    runtime = rig.installation.runtime
    tests = ServerTests(runtime.redis, runtime.store, Broken())  # type: ignore[arg-type]
    with pytest.raises(TestNotTaken, match="the broker does not take the test"):
        tests.start(Draft("primary_email", by="me"))


@pytest.mark.parametrize(
    "draft, fault",
    [
        (Draft("primary_fax", by="me"), "target: is no server"),  # type: ignore[arg-type]
        (Draft("primary_email", by="  "), "by: is blank"),
        (Draft("primary_email", by="me", send=True), "to: is blank"),
        (Draft("primary_email", by="me", to="x\r\nRCPT TO:<y@z>"), "to: "),
        (Draft("chain", by="me", channel="fax"), "channel: is none"),  # type: ignore[arg-type]
    ],
)
def test_a_draft_that_cannot_be_tested_names_field_and_fault(
    rig: ServersUnderTest, draft: Draft, fault: str
) -> None:
    with pytest.raises(InvalidDraft, match=fault):
        rig.tests.start(draft)


def test_a_value_that_a_mirror_hides_is_refused_unless_the_mirror_is_tried_off(rig: ServersUnderTest) -> None:
    hidden = {"secondary_email.server_port": rig.secondary.port, "mirror.email": True}
    with pytest.raises(
        InvalidDraft, match=r"secondary_email\.server_port has no effect while mirror\.email is on"
    ):
        rig.tests.start(Draft("secondary_email", by="me", overrides=hidden))
    rig.installation.runtime.store.change({"mirror.email": True}, author="test")
    shown = {"secondary_email.server_port": rig.secondary.port, "mirror.email": False}
    assert rig.tests.start(Draft("secondary_email", by="me", overrides=shown))
