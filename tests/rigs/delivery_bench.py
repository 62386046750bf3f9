"""A whole delivery on one desk: real ledger, options, routing and connections, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import redis

from settings_store.keyring import Keyring
from settings_store.store import SettingsStore
from tasks.attachments.gatherer import Gatherer, Places
from tasks.attachments.job_output.collector import JobOutputs
from tasks.attachments.job_output.opcon_api import OpConConnector
from tasks.attachments.local_files import LocalFiles
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.breaker import Breaker, FirstSignIn
from tasks.delivery.admission import Admission
from tasks.delivery.deliverer import Deliverer, PassResult
from tasks.delivery.lease import LeaseKeeper
from tasks.delivery.memory import Memory, read_memory
from tasks.delivery.probe import Prober
from tasks.delivery.waiting_places import WaitingPlaces
from tasks.entries import checked, entry_of
from tasks.escalation_limit import EscalationLimit
from tasks.ledger import Ledger, LedgerQueries
from tasks.ledger.queries import Record
from tasks.limits import Limits
from tasks.routing import route, servers_in_use
from tasks.tally import Tally
from tasks.transports.pool import ConnectionPool
from tests.rigs.clock import START_MS, TEST_CLOCK, LedgerClock
from tests.rigs.delivery_servers import MailServer
from tests.rigs.notifications import email, text

NEVER_SECONDS = 3600.0
ID = "n1"


def refuse_to_pause(seconds: float) -> None:
    """A pass that pauses where the ledger answers is wrong."""
    raise AssertionError(f"paused {seconds} s although the ledger answers")


def once(act: Callable[[], object]) -> Callable[[], None]:
    """An answer that goes well, and does something before it is given for the first time."""
    to_do = [act]

    def answer() -> None:
        if to_do:
            to_do.pop()()

    return answer


class Bench:
    """One worker's deliverer and everything around it.

    Attributes:
        clock: Time for the ledger, the pass and the pool alike.
        ledger: As the test sees it; the deliverer may be given another.
        draw: The schedule's random number; 1.0 makes every gap its longest.
    """

    def __init__(
        self,
        client: redis.Redis,
        keyring: Keyring,
        *,
        worker_ledger: Ledger | None = None,
        pause: Callable[[float], None] = refuse_to_pause,
        tally: Tally | None = None,
    ) -> None:
        self.redis = client
        self.tally = tally
        self.clock = LedgerClock(client)
        self.store = SettingsStore(client, keyring=keyring)
        self.ledger = Ledger(client, revision_key=self.store.revision_key, clock=TEST_CLOCK)
        self.queries = LedgerQueries(client)
        self.breaker = Breaker(client, clock=TEST_CLOCK)
        first_sign_in = FirstSignIn(self.breaker)
        self.admission = Admission(
            Limits(client, worker="w1", clock=TEST_CLOCK, revision_key=self.store.revision_key),
            close_idle=self.close_idle,
            every_seconds=NEVER_SECONDS,
            clock=self.seconds,
        )
        self.pool = ConnectionPool(
            clock=self.seconds,
            local_hostname="client.test",
            opening=first_sign_in,
            places=self.admission,
        )
        self.prober = Prober(self.breaker, first_sign_in, self.pool, self.admission)
        self.sign_in_guard = SignInGuard(client, clock=TEST_CLOCK)
        self.gatherer = self.gatherer_of(Places(local=LocalFiles()))
        self.draw = 1.0
        self.is_stopping = False
        # A test that is not about the breaker is not to meet it; refusals of a sign-in open it all the same.
        self.set(delivery__breaker_failures=100)
        self.deliverer = self.new_deliverer(ledger=worker_ledger, pause=pause)

    def gatherer_of(self, places: Places) -> Gatherer:
        """A gatherer that finds paths there, and job output by the scheduler that the options name."""
        jobs = JobOutputs(OpConConnector(self.sign_in_guard, self.seconds), clock=self.seconds)
        return Gatherer(places, jobs, clock=self.seconds, stopping=lambda: self.is_stopping)

    def new_deliverer(
        self,
        *,
        ledger: Ledger | None = None,
        store: SettingsStore | None = None,
        leases: LeaseKeeper | None = None,
        worker: str = "w1",
        pause: Callable[[float], None] = refuse_to_pause,
        slots: int = 16,
    ) -> Deliverer:
        ledger = ledger or self.ledger
        return Deliverer(
            ledger,
            store or self.store,
            self.pool,
            leases or LeaseKeeper(ledger, every_seconds=NEVER_SECONDS),
            breaker=self.breaker,
            admission=self.admission,
            places=WaitingPlaces(lambda: slots, clock=self.seconds),
            gatherer=self.gatherer,
            texts=EscalationLimit(self.redis, clock=TEST_CLOCK),
            worker=worker,
            draw=lambda: self.draw,
            clock=self.seconds,
            pause=pause,
            stopping=lambda: self.is_stopping,
            tally=self.tally,
        )

    def probe(self, name: str = "primary_email") -> str:
        """Let time pass until a server's test is due, and make it."""
        snapshot = self.store.snapshot()
        server = next(server for server in servers_in_use(snapshot) if server.name == name)
        permission = self.breaker.allows([server.fingerprint])[server.fingerprint]
        if not permission.probe_due:
            self.clock.advance(permission.wait_seconds)
        return self.prober.probe(server, snapshot)

    def close_idle(self, wanted: Collection[str] = ()) -> None:
        """What this worker does every few seconds."""
        self.pool.close_idle(wanted)

    def close(self) -> None:
        self.pool.close()

    def seconds(self) -> float:
        """The clock of this process: seconds that only grow."""
        return (self.clock.now_ms - START_MS) / 1000

    def set(self, **options: object) -> int:
        """Save options, a double underscore standing for the dot; the new revision."""
        values = {name.replace("__", ".", 1): value for name, value in options.items()}
        return self.store.change(values, author="test").revision

    def use(self, **servers: MailServer | None) -> None:
        """Name servers in their blocks; None blanks one."""
        values: dict[str, object] = {}
        for name, server in servers.items():
            values[f"{name}__server_name"] = "127.0.0.1" if server else ""
            if server:
                values[f"{name}__server_port"] = server.port
        self.set(**values)

    def sign_in(self, name: str, password: str = "open sesame") -> None:
        """Have a server asked for a sign-in."""
        sealed = self.store.cipher.seal_for_pasting(password)
        self.set(
            **{f"{name}__authentication_user": "robot@corp.test", f"{name}__authentication_password": sealed}
        )

    def accept_email(self, *to: str, **fields: object) -> None:
        self._accept(email(**{"to": list(to) or ["a@x.test"], "id": ID, "subject": "Job failed", **fields}))

    def accept_text(self, *to: str, **fields: object) -> None:
        self._accept(text(**{"to": list(to) or ["a@x.test"], "id": ID, **fields}))

    def _accept(self, document: Mapping[str, object]) -> None:
        entry = entry_of(checked(document), self.store.snapshot())
        assert self.ledger.accept(entry, ring=True).status == "accepted"

    def fingerprint(self, name: str) -> str:
        """Of a server in today's chain for e-mail."""
        chain = route(self.store.snapshot(), "email").chain
        return next(hop.server.fingerprint for hop in chain if hop.server.name == name)

    def deliver(self) -> PassResult:
        """Make a pass now."""
        return self.deliverer.deliver(ID)

    def wait(self) -> None:
        """Let time pass until the notification is due, and have the sweeper ring."""
        record = self.record()
        scores = self.queries.due_scores()[record.lane]
        self.clock.advance(max(0.0, (scores[ID] - self.clock.now_ms) / 1000))
        self.ledger.sweep(record.lane, room=10)

    def again(self) -> PassResult:
        """Let time pass until it is due, and make that pass."""
        self.wait()
        return self.deliver()

    def run_out(self, *, passes: int = 100) -> Record:
        """Make passes until it is final."""
        self.deliver()
        for _ in range(passes):
            if self.record().finished_at_ms is not None:
                return self.record()
            self.again()
        raise AssertionError(f"still {self.record().state} after {passes} passes")

    def record(self) -> Record:
        record = self.queries.get(ID)
        assert record is not None
        return record

    def state(self) -> str:
        return self.record().state

    def outcomes(self) -> str:
        """A letter for each recipient, as the ledger has them."""
        outcomes = self.redis.hget(f"notify:n:{ID}", "outcomes")
        assert isinstance(outcomes, str)
        return outcomes

    def timeline(self) -> tuple[dict[str, Any], ...]:
        return self.record().timeline

    def story(self) -> list[str]:
        """The timeline in short: server, stage and verdict of each entry."""
        return [f"{e.get('server', '')} {e.get('stage', '')} {e['verdict']}".strip() for e in self.timeline()]

    def memory(self) -> Memory:
        text = self.redis.hget(f"notify:n:{ID}", "memory")
        return read_memory(str(text or ""))

    def has_intent(self) -> bool:
        return bool(self.redis.hexists(f"notify:n:{ID}", "intent"))
