"""What a process needs to accept and deliver, made once and in the process that uses it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

import redis
from kombu.exceptions import OperationalError

from settings_store.environment import Environment
from settings_store.followed_password import follow_password
from settings_store.live_keyring import followed
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tasks import broker
from tasks.attachment_test.examiner import Examiner as AttachmentExaminer
from tasks.attachments.gatherer import Gatherer, Places
from tasks.attachments.job_output.collector import JobOutputs
from tasks.attachments.job_output.opcon_api import OpConConnector
from tasks.attachments.local_files import LocalFiles
from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.bells import Bells
from tasks.breaker import Breaker, FirstSignIn
from tasks.delivery.admission import Admission
from tasks.delivery.deliverer import Deliverer
from tasks.delivery.lease import LeaseKeeper
from tasks.delivery.probe import Prober
from tasks.delivery.room import Room
from tasks.delivery.turn import Freed
from tasks.delivery.waiting_places import WaitingPlaces
from tasks.escalation_limit import EscalationLimit
from tasks.fleet import Fleet
from tasks.ledger import FINAL_STATES, LANES, Ledger, LedgerQueries
from tasks.limits import Limits, Usages, server_of_line
from tasks.made_once import made_once
from tasks.notices import Notices
from tasks.notices.backlog import Backlog
from tasks.notices.outbox import Outbox
from tasks.oauth.kept_tokens import KeptTokens
from tasks.oauth.tokens import Tokens
from tasks.publisher import Publisher
from tasks.server_test.examiner import Examiner
from tasks.stop_sign import StopSign
from tasks.strands import Strands, aside
from tasks.tally import NoTally, Tally
from tasks.transports.pool import ConnectionPool

_BLINK_SECONDS: Final = 0.25


class Runtime:
    """The parts of one process. Nothing is opened before it is used.

    Attributes:
        environment: What the process was given.
        worker: Its name.
        slots: How many passes it makes at once.
        tally: Counts what it does.
        making: Held while a part is made.
        stopping: Set when the process is to end.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        worker: str = "",
        tally: Tally | None = None,
        stopping: StopSign | None = None,
    ) -> None:
        self.environment = environment
        self.tally = tally or NoTally()
        self.making = threading.RLock()
        self.stopping = stopping or StopSign()
        self.slots = 1
        self.worker = worker or f"{socket.gethostname()}:{os.getpid()}"

    @made_once
    def redis(self) -> redis.Redis:
        """The Redis of options and ledger."""
        found = self.environment
        return follow_password(connect(found.redis_url), found.redis_url_file, found.redis_url)

    @made_once
    def store(self) -> SettingsStore:
        """The options."""
        keyring = followed(self.environment.key_files)
        return SettingsStore(self.redis, prefix=self.environment.prefix, keyring=keyring)

    @made_once
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(self.redis, prefix=self.environment.prefix, revision_key=self.store.revision_key)

    @made_once
    def queries(self) -> LedgerQueries:
        """The ledger's reading side."""
        return LedgerQueries(self.redis, prefix=self.environment.prefix)

    @made_once
    def bells(self) -> Bells:
        """The bells."""
        return Bells(self.environment.broker_url, prefix=self.environment.prefix)

    @made_once
    def fleet(self) -> Fleet:
        """The workers that are alive."""
        return Fleet(self.redis, prefix=self.environment.prefix)

    @made_once
    def examiner(self) -> Examiner:
        """Makes the tests of servers that somebody asked for."""
        return Examiner(
            self.redis, self.store, self.pool, tokens=self.tokens.fresh, prefix=self.environment.prefix
        )

    @made_once
    def attachment_examiner(self) -> AttachmentExaminer:
        """Makes the tests of attachments that somebody asked for."""
        return AttachmentExaminer(
            self.redis,
            self.store,
            guard=self.sign_in_guard,
            pause=self.pause,
            stopping=self.stopping.is_set,
            prefix=self.environment.prefix,
        )

    @made_once
    def publisher(self) -> Publisher:
        """The door."""
        one_redis = self.environment.one_redis
        return Publisher(self.store, self.ledger, self.bells, one_redis=one_redis, tally=self.tally)

    @made_once
    def pool(self) -> ConnectionPool:
        """Connections to servers."""
        return ConnectionPool(
            opening=self.first_sign_in,
            places=self.admission,
            token_source=self.tokens,
            watch=self.tally.connections,
        )

    @made_once
    def tokens(self) -> Tokens:
        """Tokens for sign-ins by OAuth."""
        kept = KeptTokens(self.redis, lambda: self.store.cipher, prefix=self.environment.prefix)
        return Tokens(kept, pause=self.pause)

    @made_once
    def admission(self) -> Admission:
        """What may go within our own limits."""
        limits = Limits(
            self.redis,
            worker=self.worker,
            prefix=self.environment.prefix,
            revision_key=self.store.revision_key,
        )
        return Admission(limits, close_idle=self._close_idle)

    @made_once
    def usages(self) -> Usages:
        """How much of the limits is used."""
        return Usages(self.redis, prefix=self.environment.prefix)

    @made_once
    def breaker(self) -> Breaker:
        """Which servers are left alone."""
        return Breaker(self.redis, prefix=self.environment.prefix)

    @made_once
    def first_sign_in(self) -> FirstSignIn:
        """Lets one worker sign in to a server before the others do."""
        return FirstSignIn(self.breaker)

    @made_once
    def prober(self) -> Prober:
        """Tests servers that are passed over."""
        return Prober(self.breaker, self.first_sign_in, self.pool, self.admission)

    @made_once
    def gatherer(self) -> Gatherer:
        """Opens attachments."""
        places = Places(local=LocalFiles(), shares=self.shares)
        jobs = JobOutputs(OpConConnector(self.sign_in_guard), stopping=self.stopping.is_set)
        return Gatherer(places, jobs, stopping=self.stopping.is_set)

    @made_once
    def shares(self) -> Shares:
        """Opens files on network shares."""
        return Shares(self.sign_in_guard, pause=self.pause, stopping=self.stopping.is_set)

    @made_once
    def sign_in_guard(self) -> SignInGuard:
        """Decides for all workers whether an account, of the shares or the scheduler, may be tried."""
        return SignInGuard(self.redis, prefix=self.environment.prefix)

    @made_once
    def deliverer(self) -> Deliverer:
        """Makes passes."""
        leases = LeaseKeeper(self.ledger)
        return Deliverer(
            self.ledger,
            self.store,
            self.pool,
            leases,
            breaker=self.breaker,
            admission=self.admission,
            places=WaitingPlaces(lambda: self.slots),
            gatherer=self.gatherer,
            texts=EscalationLimit(self.redis, prefix=self.environment.prefix),
            worker=self.worker,
            pause=self.pause,
            stopping=self.stopping.is_set,
            tally=self.tally,
        )

    @made_once
    def room(self) -> Room:
        """How many passes are made at once."""
        return Room(lambda: self.slots, others_wait=self._others_wait)

    @made_once
    def strands(self) -> Strands:
        """What makes the passes of batches."""
        return Strands()

    def pause(self, seconds: float) -> None:
        """Sleep, but not past the moment at which this process is to end; then a blink at a time."""
        if self.stopping.is_set():
            aside(lambda: time.sleep(min(seconds, _BLINK_SECONDS)))
        else:
            aside(lambda: self.stopping.wait(seconds))

    def _close_idle(self, wanted: Collection[str]) -> None:
        # The pool is made with the admission, so that can name it no sooner than this.
        self.pool.close_idle(wanted)

    @made_once
    def notices(self) -> Notices:
        """Tells the operator of what needs somebody."""
        return Notices(
            Outbox(self.redis, prefix=self.environment.prefix),
            snapshot=self.store.snapshot,
            servers=self.breaker.servers,
            ledger=self.ledger,
            held=lambda: self.queries.counts()["held"],
            backlog=self._backlog,
        )

    def _backlog(self) -> Backlog | None:
        """What waits for a worker, as notices tell it; None where nothing does."""
        since = self.queries.queued_since()
        if not since:
            return None
        oldest = min(since, key=lambda priority: since[priority])
        return Backlog(self.queries.counts()["queued"], oldest, since[oldest])

    def ring(self, notification_id: str) -> None:
        """Ring for one notification at once; where that fails, the sweeper does."""
        record = self.queries.get(notification_id)
        if record is not None and record.state == "queued":
            with contextlib.suppress(OperationalError):
                self.bells.ring([(notification_id, record.lane, record.passes)])

    def ring_together(self, ids: Sequence[str], lane: str) -> None:
        """Ring for first passes of one lane that were not begun; where that fails, the sweeper does.

        They are shared out among the slots where these might want for work.
        """
        with contextlib.suppress(OperationalError):
            have_work = self.bells.depth(lane) >= broker.SLOTS_TO_FILL
            self.bells.ring_together(ids, lane, in_turn=have_work)

    def call_next(self, freed: Freed) -> None:
        """Ring for the first of those that wait for a connection; where that fails, the sweeper does.

        A process with one slot closes its own before that: whoever comes would hardly come to it.
        """
        if self.room.is_for_one:
            self.pool.close_to(server_of_line(freed.line))
        with contextlib.suppress(OperationalError, redis.RedisError):
            self.bells.ring(self.ledger.call_first(freed.line))

    def _others_wait(self) -> bool:
        """Whether messages wait for a slot in the broker, as of a moment ago."""
        try:
            return any(self.bells.depth(lane) for lane in LANES)
        except OperationalError:
            return False

    def ring_end(self, notification_id: str) -> None:
        """Ring for one that ended without a worker, so that a worker shows that end in Flower."""
        record = self.queries.get(notification_id)
        if record is not None and record.state in FINAL_STATES:
            self.bells.ring([(notification_id, record.lane, record.passes)])

    def part(self, within_seconds: float) -> None:
        """Close the connections to servers that nobody uses, if there are any, in so long at the most."""
        if "pool" in self.__dict__:
            self.pool.close(within_seconds=within_seconds)

    def close(self) -> None:
        """Close connections that are not in use."""
        for name in ("strands", "pool", "shares", "bells", "redis"):
            if name in self.__dict__:
                self.__dict__[name].close()


class RuntimePerProcess:
    """Gives each process its own runtime: a child of a fork never uses what its parent opened."""

    def __init__(self, make: Callable[[], Runtime]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._pid = 0
        self._runtime: Runtime | None = None

    def __call__(self) -> Runtime:
        """This process' runtime."""
        with self._lock:
            if self._runtime is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._runtime = self._make()
            return self._runtime
