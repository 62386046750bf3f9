"""Options changed while notifications flow: each mail is held against the options its attempt was made under.

The servers tell where each mail came, from which sender, and when it was begun; the ledger tells the revision
of the attempt; the history tells what was configured then, and the test when each revision was replaced.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from settings_store.keyring import generate
from tasks.notification import envelope_recipients, load
from tasks.routing import route
from tests.rigs.installation import Installation, running_installation
from tests.rigs.processes import free_port, wait_until
from tests.rigs.scripted_smtp import Script, ScriptedServer, Session

PASSWORD = "open sesame"
USERS = ("alarms@corp.example", "robot@corp.example")
_ID = re.compile(rb"^X-Notification-ID: (\S+)\r$", re.MULTILINE)
_SENDER = re.compile(r"MAIL FROM:<([^>]*)>")


@dataclass(frozen=True)
class Arrived:
    """One mail that a server took.

    Attributes:
        notification: Its id.
        port: Of the server.
        sender: The envelope's.
        begun_at: When the server heard MAIL, in seconds since 1970.
    """

    notification: str
    port: int
    sender: str
    begun_at: float


@dataclass
class Findings:
    """What came of a run; the lists of what must not be are empty where all is well."""

    notifications: int
    revisions: int
    seconds: float
    revisions_used: int = 0
    by_server: Counter[str] = field(default_factory=Counter)
    by_sender: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    #: Mails that came to a server, or from a sender, that the revision of their attempt does not have.
    not_configured: list[str] = field(default_factory=list)
    #: Mails that were begun after the revision of their attempt was replaced.
    replaced_before: list[str] = field(default_factory=list)


class OptionsUnderLoad:
    """An installation with three willing servers and one port that refuses, and changes that go round."""

    def __init__(self, folder: Path, installation: Installation) -> None:
        self._folder = folder
        self.installation = installation
        script = Script(offers=("PIPELINING", "8BITMIME", "SMTPUTF8", "AUTH PLAIN"))
        self.servers = {name: ScriptedServer(script) for name in ("one", "two", "three")}
        self._store = installation.runtime.store
        #: When each revision was surely replaced; the last one never was.
        self._replaced_at: dict[int, float] = {}
        self._first_revision = 0
        self._changes = itertools.cycle(self._steps())

    def close(self) -> None:
        for server in self.servers.values():
            server.stop()

    def _set(self, **options: object) -> None:
        values = {name.replace("__", ".", 1): value for name, value in options.items()}
        change = self._store.change(values, author="test")
        if change.saved:
            self._replaced_at[change.revision - 1] = time.time()

    def _roll_back(self) -> None:
        change = self._store.rollback(self._first_revision, author="test", reason="as before")
        if change.saved:
            self._replaced_at[change.revision - 1] = time.time()

    def _sign_in(self, user: str) -> None:
        sealed = self._store.cipher.seal_for_pasting(PASSWORD)
        self._set(primary_email__authentication_user=user, primary_email__authentication_password=sealed)

    def prepare(self) -> None:
        """Primary and secondary, as they are before the first change."""
        self._set(
            primary_email__server_name="127.0.0.1",
            primary_email__server_port=self.servers["one"].port,
            secondary_email__server_name="127.0.0.1",
            secondary_email__server_port=self.servers["two"].port,
            limits__primary_email_connections=6,
        )
        self._first_revision = self._store.snapshot().revision

    def _steps(self) -> list[Callable[[], None]]:
        ports = {name: server.port for name, server in self.servers.items()}
        refusing = free_port()
        return [
            lambda: self._set(primary_email__server_port=ports["three"]),
            lambda: self._sign_in(USERS[0]),
            lambda: self._set(primary_email__server_name="localhost"),
            lambda: self._set(
                limits__primary_email_connections=2, limits__primary_email_messages_per_minute=6000
            ),
            lambda: self._set(mirror__email=True),
            lambda: self._sign_in(USERS[1]),
            lambda: self._set(mirror__email=False, secondary_email__server_port=ports["three"]),
            # Nobody listens there: the secondary carries.
            lambda: self._set(primary_email__server_port=refusing),
            lambda: self._set(secondary_email__notification_address="second@corp.example"),
            self._roll_back,
            lambda: self._set(primary_email__server_port=ports["two"]),
            lambda: self._set(primary_email__server_port=ports["one"], mirror__email=True),
            self._roll_back,
        ]

    def run(self, count: int, changes: int, *, workers: int = 2) -> Findings:
        """Let so many notifications flow through so many changes; what came of it.

        Changes are spread over the flow by what has arrived, not by time.
        """
        installation = self.installation
        self.prepare()
        began = time.monotonic()
        with _workers(installation, workers):
            ids: list[str] = []
            for change in range(changes):
                ids += installation.publish_many(count * (change + 1) // changes - len(ids))
                # Some are on their way whenever a change is saved.
                wanted = max(len(ids) - count // changes, 0) + count // changes // 3
                wait_until(lambda: self.arrived_count() >= wanted, seconds=120, what=f"{wanted} mails")  # noqa: B023
                next(self._changes)()
            self._roll_back()
            wait_until(
                lambda: installation.final_count() == count, seconds=300, what="all notifications being final"
            )
            seconds = time.monotonic() - began
        return self._findings(ids, seconds)

    def arrived_count(self) -> int:
        """How many mails the servers took."""
        return sum(len(s.texts) for server in self.servers.values() for s in list(server.sessions))

    def arrived(self) -> list[Arrived]:
        """The mails that the servers took."""
        return [
            arrived
            for server in self.servers.values()
            for session in server.sessions
            for arrived in _arrived(session, server.port)
        ]

    def _findings(self, ids: list[str], seconds: float) -> Findings:
        found = Findings(len(ids), self._store.snapshot().revision, seconds)
        arrived: dict[str, list[Arrived]] = {}
        for each in self.arrived():
            arrived.setdefault(each.notification, []).append(each)
        names = {server.port: name for name, server in self.servers.items()}
        used: set[int] = set()
        for notification_id in ids:
            record = self.installation.record(notification_id)
            mails = arrived.get(notification_id, [])
            if record.state != "delivered" or not mails:
                found.lost.append(f"{notification_id}: {record.state}, {len(mails)} mails, {record.reason}")
                continue
            if len(mails) > 1 or len(envelope_recipients(load(record.content))) != 1:
                found.twice.append(f"{notification_id}: {len(mails)} mails")
            (attempt,) = [entry for entry in record.timeline if entry["verdict"] == "delivered"]
            used.add(attempt["revision"])
            for mail in mails:
                found.by_server[names[mail.port]] += 1
                found.by_sender[mail.sender] += 1
                self._judge(mail, attempt["server"], attempt["revision"], found)
        found.revisions_used = len(used)
        return found

    def _judge(self, mail: Arrived, server: str, revision: int, found: Findings) -> None:
        chain = {hop.server.name: hop.server for hop in route(self._store.at(revision), "email").chain}
        configured = chain.get(server)  # type: ignore[call-overload]
        if configured is None or (configured.port, configured.envelope_sender) != (mail.port, mail.sender):
            found.not_configured.append(f"{mail.notification}: {server} of revision {revision}")
        replaced_at = self._replaced_at.get(revision)
        if replaced_at is not None and mail.begun_at > replaced_at:
            late_ms = (mail.begun_at - replaced_at) * 1000
            found.replaced_before.append(f"{mail.notification}: revision {revision}, {late_ms:.0f} ms late")


def _arrived(session: Session, port: int) -> Iterator[Arrived]:
    """The mails of one connection: each text belongs to the MAIL before its DATA."""
    texts = iter(session.texts)
    sender, begun_at = "", 0.0
    for command, at in zip(session.commands, session.command_times, strict=True):
        if found := _SENDER.match(command):
            sender, begun_at = found[1], at
        elif command == "DATA" and (text := next(texts, None)) is not None:
            identified = _ID.search(text)
            assert identified, "a mail without its id"
            yield Arrived(identified[1].decode(), port, sender, begun_at)


@contextlib.contextmanager
def _workers(installation: Installation, count: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for number in range(count):
            stack.enter_context(installation.worker("-n", f"w{number}@%h"))
        yield


@contextlib.contextmanager
def options_under_load(folder: Path) -> Iterator[OptionsUnderLoad]:
    """The servers and an installation that has the keys for their password."""
    keys = folder / "keys.json"
    generate(keys)
    with running_installation(folder, NOTIFY_KEY_FILE=str(keys)) as installation:
        load = OptionsUnderLoad(folder, installation)
        try:
            yield load
        finally:
            load.close()
