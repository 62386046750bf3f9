"""A round of notices: look how things stand, take in what is new, tell what waits to be told."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from settings_store.errors import SecretFault
from settings_store.logs import EventLog
from settings_store.secret_expiry import expiring
from settings_store.snapshot import Snapshot
from tasks.breaker import ServerState
from tasks.fallback import Standing, standing
from tasks.ledger import Accepted, Entry, LedgerUnavailable
from tasks.notices.announced import Held, next_announcements, next_expiries, next_held
from tasks.notices.backlog import Backlog, next_backlog
from tasks.notices.incident import Incident
from tasks.notices.letters import letters
from tasks.notices.needing import Misconfigured, next_needing
from tasks.notices.outbox import Outbox, Progress
from tasks.notices.webhook import NotPosted, post
from tasks.routing import route
from tasks.server import Channel

POST_TRIES: Final = 4
#: The wait after the first failed post; each later one is three times as long.
POST_AGAIN_SECONDS: Final = 10.0

#: So many that, each at its longest, they end before the lock does.
POSTS_IN_A_ROUND: Final = 5

_CHANNELS: Final[tuple[Channel, ...]] = ("email", "text")
#: The option that says whether an event is told; what is over is told where its beginning is.
_OPTION_OF: Final[Mapping[str, str | None]] = {
    "fallback": "notices.fallback",
    "down": "notices.all_down",
    "all_down": "notices.all_down",
    "misconfigured": "notices.misconfigured",
    "misconfigured_over": "notices.misconfigured",
    "undelivered": "notices.undelivered",
    "held": "notices.held",
    "secret_expiry": "notices.secret_expiry",
    # With 0 minutes there is no such incident.
    "backlog": None,
    "backlog_over": None,
}

_log = EventLog(__name__)


class Ledger(Protocol):
    """What takes notifications in."""

    def accept(self, entry: Entry, *, ring: bool) -> Accepted:
        """As `tasks.ledger.Ledger.accept`."""


class Notices:
    """The rounds of one process.

    Args:
        outbox: What is announced and what waits.
        snapshot: The options as they hold.
        servers: What the breaker knows.
        ledger: Takes the notices in.
        held: How many notifications are held.
        backlog: What waits for a worker.
        posted: Posts to an address; tests put another here.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        snapshot: Callable[[], Snapshot],
        servers: Callable[[], Iterable[ServerState]],
        ledger: Ledger,
        held: Callable[[], int],
        backlog: Callable[[], Backlog | None],
        posted: Callable[..., None] = post,
    ) -> None:
        self._outbox = outbox
        self._snapshot = snapshot
        self._servers = servers
        self._ledger = ledger
        self._held = held
        self._backlog = backlog
        self._post = posted

    def round(self) -> None:
        """Make one, unless another worker does.

        Raises:
            redis.RedisError: Redis does not answer; the next round does what this one did not.
        """
        token = secrets.token_hex(8)
        if not self._outbox.lock(token):
            return
        try:
            snapshot = self._snapshot()
            known = {server.fingerprint: server for server in self._servers()}
            standings = channel_standings(snapshot, known)
            self._announce(snapshot, standings, known)
            self._collect(snapshot)
            self._tell(snapshot, standings)
        finally:
            self._outbox.unlock(token)

    def _announce(self, snapshot: Snapshot, standings: list[Standing], known: dict[str, ServerState]) -> None:
        announced, raw = self._outbox.announced()
        now_ms = self._outbox.now_ms()
        quiet_ms = snapshot.number("notices.quiet_minutes") * 60_000
        after, incidents = next_announcements(announced, standings, now_ms=now_ms, quiet_ms=quiet_ms)
        after, of_needing = next_needing(
            after,
            standings,
            _misconfigured(standings, known),
            [each.fingerprint for each in known.values() if each.last_success_ms],
            now_ms=now_ms,
            quiet_ms=quiet_ms,
        )
        after, of_held = next_held(after, self._held_now(snapshot), now_ms=now_ms, quiet_ms=quiet_ms)
        today = datetime.fromtimestamp(now_ms / 1000, tz=UTC).date()
        after, of_secrets = next_expiries(after, expiring(snapshot, today), now_ms=now_ms)
        after, of_backlog = next_backlog(
            after,
            self._backlog(),
            limit_ms=snapshot.number("notices.backlog_minutes") * 60_000,
            now_ms=now_ms,
            quiet_ms=quiet_ms,
        )
        incidents = [*incidents, *of_needing, *of_held, *of_secrets, *of_backlog]
        if after == announced:
            return
        wanted = [incident for incident in incidents if _is_wanted(incident, snapshot)]
        if self._outbox.announce(raw, after, wanted):
            for incident in incidents:
                _log.warning("incident", what=incident.event, id=incident.id)

    def _held_now(self, snapshot: Snapshot) -> Held | None:
        reasons = [words for channel in _CHANNELS if (words := route(snapshot, channel).held)]
        return Held(self._held(), reasons[0]) if reasons else None

    def _collect(self, snapshot: Snapshot) -> None:
        incident_id = str(uuid.uuid4())
        count = self._outbox.collect(
            incident_id,
            collect_ms=snapshot.number("notices.collect_seconds") * 1000,
            quiet_ms=snapshot.number("notices.quiet_minutes") * 60_000,
            tell=snapshot.flag("notices.undelivered"),
        )
        if count:
            _log.warning("incident", what="undelivered", id=incident_id, count=count)

    def _tell(self, snapshot: Snapshot, standings: list[Standing]) -> None:
        posts = 0
        for incident in self._outbox.waiting():
            progress = self._outbox.progress(incident)
            if not progress.accepted and not self._is_accepted(incident, progress, snapshot, standings):
                continue
            if not snapshot.is_set("notices.webhook_url"):
                self._outbox.done(incident)
            elif posts < POSTS_IN_A_ROUND and self._outbox.now_ms() >= progress.again_at_ms:
                posts += 1
                self._post_once(incident, progress, snapshot)

    def _is_accepted(
        self, incident: Incident, progress: Progress, snapshot: Snapshot, standings: list[Standing]
    ) -> bool:
        """Have the ledger take the notices of an incident; whether it did."""
        conditions = {each.channel: each.condition for each in standings}
        try:
            for entry in letters(incident, snapshot, conditions):
                self._ledger.accept(entry, ring=False)
        except LedgerUnavailable:
            _log.warning("notice_waits", incident=incident.id, error="LedgerUnavailable")
            return False
        progress.accepted = True
        self._outbox.keep(incident, progress)
        return True

    def _post_once(self, incident: Incident, progress: Progress, snapshot: Snapshot) -> None:
        fault = self._fault_of_post(incident, snapshot)
        if fault:
            progress.tries += 1
            event = "webhook_given_up" if progress.tries >= POST_TRIES else "webhook_failed"
            _log.warning(event, incident=incident.id, tries=progress.tries, error=fault)
        if not fault or progress.tries >= POST_TRIES:
            self._outbox.done(incident)
            return
        wait_ms = int(POST_AGAIN_SECONDS * 1000) * 3 ** (progress.tries - 1)
        progress.again_at_ms = self._outbox.now_ms() + wait_ms
        self._outbox.keep(incident, progress)

    def _fault_of_post(self, incident: Incident, snapshot: Snapshot) -> str:
        """Post it once; blank where that went well."""
        try:
            self._post(
                snapshot.secret("notices.webhook_url")(),
                incident,
                installation=snapshot.text("text.installation_name"),
                ca_bundle=snapshot.text("tls.ca_bundle"),
            )
        except NotPosted as error:
            return str(error)
        except SecretFault as error:
            return type(error).__name__
        return ""


def channel_standings(snapshot: Snapshot, known: dict[str, ServerState]) -> list[Standing]:
    """How each channel stands; texts that go by the servers of e-mail are told of with e-mail."""
    found = [standing(channel, route(snapshot, channel), known) for channel in _CHANNELS]
    servers = [[link.fingerprint for link in each.links] for each in found]
    return found[:1] if servers[0] == servers[1] else found


def _misconfigured(standings: Iterable[Standing], known: dict[str, ServerState]) -> list[Misconfigured]:
    links = {link.fingerprint: link for each in standings for link in each.links}
    return [
        Misconfigured(link.server, fingerprint, known[fingerprint].reason)
        for fingerprint, link in links.items()
        if fingerprint in known and known[fingerprint].misconfigured
    ]


def _is_wanted(incident: Incident, snapshot: Snapshot) -> bool:
    event = incident.facts["was"] if incident.event == "recovered" else incident.event
    option = _OPTION_OF[event]
    return option is None or snapshot.flag(option)
