"""Delivers one notification once: claim, route, walk, finish."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import redis

from settings_store.errors import DamagedSettings, SecretFault
from settings_store.logs import EventLog, bound
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks import tracing
from tasks.attachments.gathered import Gathered, GatheringStopped
from tasks.attachments.gatherer import Gatherer
from tasks.attachments.scope import Scope
from tasks.attachments.wanted import wanted
from tasks.breaker import Breaker
from tasks.delivery.admission import Admission
from tasks.delivery.breaker_watch import BreakerWatch
from tasks.delivery.composing import Composer
from tasks.delivery.escalating import escalate, withdraw
from tasks.delivery.fetches import tell_fetches
from tasks.delivery.insist import Insist, never
from tasks.delivery.lease import LeaseKeeper
from tasks.delivery.memory import write_memory
from tasks.delivery.next_time import counts_as_pass, counts_as_try, wait_seconds
from tasks.delivery.options import longest_gap_seconds
from tasks.delivery.pass_state import PassState
from tasks.delivery.patience import Patience
from tasks.delivery.spans import tell_pass
from tasks.delivery.stops import ClaimLost, NotToBeSent, OptionsChanged
from tasks.delivery.turn import Following, Freed, Turn, nobody
from tasks.delivery.waiting_places import WaitingPlaces
from tasks.delivery.walk import Walk
from tasks.escalation_limit import EscalationLimit
from tasks.ledger import OPEN_STATES, Ledger, NotClaimed, State
from tasks.routing import Hop, route, servers_in_use
from tasks.schedule import gap_seconds
from tasks.strands import aside
from tasks.tally import NoTally, Tally
from tasks.transports.pool import ConnectionPool

#: A worker that cannot read options or open a password leaves the notification to others for this long.
UNFIT_SECONDS: Final = 10.0
#: A ledger that did not answer is given this long.
LEDGER_AWAY_SECONDS: Final = 1.0

_STOPPED: Final = {
    "cancelled": "cancelled",
    "expired": "its time was over before the text could be sent",
    "settled": "a late reply said delivered",
}

_log = EventLog(__name__)


@dataclass(frozen=True, slots=True)
class PassResult:
    """What became of a notification in one pass.

    Attributes:
        state: Where it is now; `unknown` where the ledger has no such record.
        reason: Why, in words without addresses and text; blank where nothing is to be said.
        wait_seconds: How long until it is tried again, where it is.
        ran: False where there was nothing to do here: it is somebody else's, not due, or final.
        lacks_connection: Whether it waits because there was no connection to be had; the following one was
            not claimed then.
    """

    state: State | Literal["unknown"]
    reason: str = ""
    wait_seconds: float = 0.0
    ran: bool = True
    lacks_connection: bool = False


class Deliverer:
    """Makes passes; one a process, safe between threads.

    Args:
        ledger: Where the truth is.
        store: The options.
        pool: Connections to servers.
        leases: Keeps claims alive.
        breaker: Which servers are left alone.
        admission: What may go within our own limits.
        places: Where passes wait for turns that are near.
        gatherer: Opens attachments.
        texts: How many texts may follow e-mails that are late.
        worker: This process' name in the ledger.
        draw: Random numbers from 0 to 1 for the schedule.
        clock: Seconds that only grow.
        pause: Sleeps between tries to write to a ledger that does not answer.
        stopping: Whether this process is to end.
        tally: Counts attempts.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: SettingsStore,
        pool: ConnectionPool,
        leases: LeaseKeeper,
        *,
        breaker: Breaker,
        admission: Admission,
        places: WaitingPlaces,
        gatherer: Gatherer,
        texts: EscalationLimit,
        worker: str,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        stopping: Callable[[], bool] = never,
        tally: Tally | None = None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._pool = pool
        self._leases = leases
        self._breaker = breaker
        self._admission = admission
        self._places = places
        self._gatherer = gatherer
        self._texts = texts
        self._worker = worker
        self._tally = tally or NoTally()
        self._draw = draw
        self._clock = clock
        self._stopping = stopping
        self._pause = pause
        self._insist = Insist(pause, stopping=stopping)
        self._snapshot = Snapshot(revision=-1)
        self._lanes: set[str] = set()

    def deliver(self, notification_id: str, *, following: Following = nobody) -> PassResult:
        """Make one pass if it is due and nobody else makes it.

        Args:
            notification_id: Which.
            following: As for `take`.

        Raises:
            redis.RedisError: The ledger did not answer; the notification stays due, or its lease runs out.
        """
        return self.take(self.turn(notification_id), following=following)

    def turn(self, notification_id: str) -> Turn:
        """The turn of a notification, for `take`."""
        fingerprints = self._snapshot.derive(_fingerprints_in_use)
        return Turn(
            notification_id, self._ledger, self._breaker, fingerprints=fingerprints, worker=self._worker
        )

    def turn_in_line(self, freed: Freed) -> Turn:
        """The turn of the first that waits for a connection, in a lane of which this process was given some.

        What fetches files follows its like alone: it has a share of the slots.
        """
        return Turn(
            "",
            self._ledger,
            self._breaker,
            fingerprints=self._snapshot.derive(_fingerprints_in_use),
            worker=self._worker,
            line=freed.line,
            lanes=sorted(self._lanes.difference({"files"}) | {freed.lane}),
        )

    def take(self, turn: Turn, *, following: Following = nobody) -> PassResult:
        """`deliver`, and claim the following one in the round trip that finishes this one, where that is so.

        Raises:
            The same as `deliver`; the following may have been claimed all the same.
        """
        began_ns = time.time_ns()
        claim = turn.take()
        if isinstance(claim, NotClaimed):
            return PassResult(claim.state, ran=False)
        self._lanes.add(claim.lane)
        about = {"notification": claim.id, "number": claim.number, "pass": claim.passes + 1}
        # A mail may be tried for a day: later passes are traces of their own that lead to the first.
        is_first = claim.attempts == claim.passes == 0
        parent, link = (claim.trace, "") if is_first else ("", claim.trace)
        traced = tracing.span("pass", kind="consumer", parent=parent, link=link, since_ns=began_ns)
        with bound(about), traced as span, self._leases.keeping(claim):
            tell_pass(span, claim)
            with tracing.span("claim", since_ns=began_ns):
                _log.debug("pass_begun", channel=claim.channel)
            state = PassState(
                claim,
                self._snapshot,
                clock=self._clock,
                permissions=turn.permissions(),
                following=following,
            )
            try:
                result = self._pass(state)
            except ClaimLost:
                result = _lost("sending")
            span.set({"notify.state": result.state})
            return result

    def _pass(self, state: PassState) -> PassResult:
        try:
            if state.snapshot.revision != state.claim.revision:
                self._read_options(state)
            while True:
                try:
                    return self._walk(state)
                except OptionsChanged:
                    self._read_options(state)
        except NotToBeSent as stop:
            return self._stopped(state, stop.answer)
        except GatheringStopped:
            return self._give_back(state, "the worker was asked to stop while it fetched files", 0.0)
        except redis.RedisError as error:
            # Nothing was sent after the last write that was answered; an intent that may stand is closed.
            _log.warning("ledger_away", notification=state.claim.id, error=type(error).__name__)
            return self._give_back(state, "the ledger did not answer", LEDGER_AWAY_SECONDS)
        except (SecretFault, DamagedSettings) as fault:
            # Its words name option and key, never a value.
            _log.error("worker_unfit", notification=state.claim.id, fault=fault)
            reason = f"worker {self._worker} cannot use the options: {fault}"
            return self._give_back(state, reason, UNFIT_SECONDS)

    def _read_options(self, state: PassState) -> None:
        """Take the options as they are now; the process remembers them for the next pass."""
        state.snapshot = self._snapshot = self._insist(lambda: aside(self._store.snapshot))

    def _walk(self, state: PassState) -> PassResult:
        with tracing.span("route") as span:
            routed = route(state.snapshot, state.claim.channel)
            span.set({"notify.chain": [hop.server.name for hop in routed.chain], "notify.held": routed.held})
        if routed.held is not None:
            # A text is no help where it would be held beside the mail.
            if route(state.snapshot, "text").held is None:
                escalate(state, self._ledger, self._insist, texts=self._texts, tried=True)
            return self._finish(state, "held", routed.held, 0.0, counts=False)
        watch = BreakerWatch(self._breaker, state, routed.chain)
        watch.ask()
        with self._gather(state, watch) as gathered:
            if gathered.wait is not None:
                wait = gathered.wait
                return self._finish(state, "waiting", wait.words, wait.seconds, counts=False)
            return self._walk_along(state, routed.chain, gathered, watch)

    def _gather(self, state: PassState, watch: BreakerWatch) -> Gathered:
        """Open the files of the notification, before any server is asked; none where none may be asked."""
        files = wanted(state.notification, state.claim.number)
        if not files or (watch.bars_all and not _is_collecting(state)):
            return Gathered()
        scope = Scope(
            options=state.snapshot,
            memory=state.memory,
            now_ms=state.now_ms(),
            passes=state.claim.passes,
            strict=state.notification.strict,
        )
        gathered = self._gatherer.gather(files, scope)
        if gathered.wait is None:
            tell_fetches(state, gathered)
            # That may have taken a minute.
            watch.ask()
        return gathered

    def _walk_along(
        self, state: PassState, chain: tuple[Hop, ...], gathered: Gathered, watch: BreakerWatch
    ) -> PassResult:
        if state.notification.strict and gathered.trouble:
            wait = self._gap_seconds(state)
            escalate(state, self._ledger, self._insist, texts=self._texts, tried=True)
            return self._finish(state, "waiting", f"strict: {gathered.trouble}", wait, counts=True)
        walk = Walk(
            self._ledger,
            self._pool,
            state,
            chain,
            Composer(state, gathered, stopping=self._stopping),
            watch=watch,
            admission=self._admission,
            patience=Patience(self._places, urgent=state.notification.priority == "high"),
            insist=self._insist,
            revision=lambda: aside(self._store.snapshot).revision,
            clock=self._clock,
            tally=self._tally,
            pause=self._pause,
        )
        walk.run()
        wait = wait_seconds(state, chain, draw=self._draw())
        counts = counts_as_pass(state)
        escalate(state, self._ledger, self._insist, texts=self._texts, tried=counts_as_try(state))
        return self._finish(state, "waiting", state.walked.reason, wait, counts=counts)

    def _gap_seconds(self, state: PassState) -> float:
        longest = longest_gap_seconds(state.snapshot)
        return gap_seconds(state.claim.passes + 1, draw=self._draw(), longest_seconds=longest)

    def _stopped(self, state: PassState, answer: str) -> PassResult:
        if answer == "over":
            wait = self._gap_seconds(state)
            return self._finish(state, "waiting", "the pass took longer than a claim may", wait, counts=True)
        # Cancelled and expired become final by finishing; after a late 250 the rest goes on at once.
        return self._give_back(state, _STOPPED[answer], 0.0)

    def _give_back(self, state: PassState, reason: str, wait: float) -> PassResult:
        return self._finish(state, "queued", reason, wait, counts=False)

    def _finish(
        self,
        state: PassState,
        then: Literal["waiting", "queued", "held"],
        reason: str,
        wait: float,
        *,
        counts: bool,
    ) -> PassResult:
        """End the claim; raises `ClaimLost` or, where it is to be held, `OptionsChanged`."""
        if then != "held":
            _announce(state, wait)
        # What is to be held is refused where the options changed, and this pass then goes on.
        lacks_connection = state.walked.lacks_connection
        goes_on = then != "held" and not lacks_connection
        line = state.walked.freed_line
        following = state.following(Freed(line, state.claim.lane) if line else None) if goes_on else None
        beside = following.questions() if following else ()
        with tracing.span("finish"):
            status, now_in = self._insist(
                lambda: self._ledger.finish(
                    state.claim,
                    then=then,
                    results=state.pending,
                    reason=reason,
                    delay_seconds=wait,
                    memory=write_memory(state.memory),
                    counts_as_pass=counts,
                    attempts=state.attempts,
                    revision=state.snapshot.revision,
                    waits_for=state.walked.waits_for if then == "waiting" else (),
                    beside=beside,
                )
            )
        match status:
            case "moved":
                raise OptionsChanged
            case "unknown":
                return PassResult("unknown", ran=False)
            case "stale":
                return _lost(now_in)
            case "finished":
                again = round(wait, 1) if now_in in OPEN_STATES else None
                _log.info("pass_ended", state=now_in, reason=reason or None, again_in_seconds=again)
                if now_in == "cancelled":
                    withdraw(state, self._ledger, self._insist)
                again_in = wait if now_in in OPEN_STATES else 0.0
                return PassResult(now_in, reason, again_in, lacks_connection=lacks_connection)


def _fingerprints_in_use(snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(dict.fromkeys(server.fingerprint for server in servers_in_use(snapshot)))


def _is_collecting(state: PassState) -> bool:
    """Whether job output was asked for and has not come: its time runs, whether or not a server is up."""
    return any(not job.is_settled for job in state.memory.jobs.values())


def _lost(state: State) -> PassResult:
    return PassResult(state, "the claim went to another worker", ran=False)


def _announce(state: PassState, wait: float) -> None:
    """Write into the timeline when those are tried again whom an attempt left open."""
    next_at = min(state.now_ms() + int(wait * 1000), state.claim.expires_at_ms)
    for entry in state.pending.entries:
        if any(state.outcomes[index] in "ou" for index in entry["indexes"]):
            entry["next_at"] = next_at
