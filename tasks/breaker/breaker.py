"""The breaker's calls. What each does to a record is in the Lua file of its name."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, Final, Literal

import redis

from settings_store.logs import EventLog
from tasks.breaker.errors import InvalidPause
from tasks.breaker.meaning import Meaning, meaning_of
from tasks.breaker.records import BreakerState, Permission, Reported, ServerState, SignIn
from tasks.breaker.scripts import Scripts
from tasks.lua_scripts import REDIS_CLOCK
from tasks.redis_question import Question
from tasks.server import ServerName
from tasks.verdict import Verdict

#: Failures in a row that open a breaker, where the options do not say otherwise.
FAILURES_BEFORE_OPEN: Final = 3
REASON_MAXIMUM_CHARACTERS: Final = 200


_log = EventLog(__name__)


def new_token() -> str:
    """Random, for a test or a first sign-in: no paused worker can repeat a later one's."""
    return secrets.token_hex(12)


class Breaker:
    """Whether servers may be used, for all workers together. One object a process; safe between threads.

    Each call is one atomic script on Redis' clock and may be repeated after a lost reply. All raise
    `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
        clock: Lua text that defines `now_ms()`; tests move time by it.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        prefix: str = "notify",
        clock: str = REDIS_CLOCK,
    ) -> None:
        self._scripts = Scripts(client, prefix, clock)

    def allows(self, fingerprints: Iterable[str]) -> dict[str, Permission]:
        """Which servers of a chain may be used now, in one round trip; it writes once a day at most."""
        asked = list(dict.fromkeys(fingerprints))
        return _permissions(asked, self._scripts.run("allows", *asked)) if asked else {}

    def asking(self, fingerprints: Iterable[str]) -> Question[dict[str, Permission]]:
        """The same, to be asked beside another question."""
        asked = list(dict.fromkeys(fingerprints))
        return self._scripts.question("allows", lambda raw: _permissions(asked, raw), *asked)

    def report(
        self,
        fingerprint: str,
        verdict: Verdict | None,
        *,
        name: ServerName,
        token: str,
        began_ms: int,
        reason: str = "",
        failures_before_open: int = FAILURES_BEFORE_OPEN,
    ) -> Reported | None:
        """Take in how an attempt ended; None where that says nothing of the server.

        Args:
            fingerprint: The server.
            verdict: Of the attempt; None where each recipient was judged by itself.
            name: What the operator calls the server.
            token: Names this attempt, the same where the call is repeated; without blanks.
            began_ms: When the attempt began, in Redis' milliseconds. A failure that began before the last
                change of state does not count.
            reason: Why it failed, in words without addresses.
            failures_before_open: So many in a row open the breaker.
        """
        what = meaning_of(verdict)
        if what is Meaning.NOTHING:
            return None
        said = "" if what is Meaning.COMPLETED else _one_line(reason)
        state, moved = self._scripts.run(
            "report", fingerprint, name, what.value, token, began_ms, failures_before_open, said
        )
        if moved:
            self._log_moved(fingerprint)
        return Reported(state, bool(moved))

    def take_probe(self, fingerprint: str, token: str) -> bool:
        """Whether this worker is the one to test a server now; its right lasts for the lease.

        Args:
            fingerprint: The server.
            token: From `new_token`; proves the right in `probed`.
        """
        return bool(self._scripts.run("take_probe", fingerprint, token))

    def probed(
        self,
        fingerprint: str,
        token: str,
        ok: bool,  # noqa: FBT001  # the outcome itself, as in an assertion
        reason: str = "",
        *,
        misconfigured: bool = False,
    ) -> Literal["closed", "open", "stale"]:
        """Take in how a test ended.

        `closed`: what waits for the server may be released, paced by `release_allowance`. `open`: the next
        test is later. `stale`: the right was lost, or somebody else closed the breaker meanwhile.
        """
        how = "ok" if ok else "misconfigured" if misconfigured else "down"
        answer: Literal["closed", "open", "stale"]
        answer = self._scripts.run("probed", fingerprint, token, how, _one_line(reason))
        if answer == "closed":
            self._log_moved(fingerprint)
        return answer

    def may_sign_in(self, fingerprint: str, token: str) -> SignIn:
        """Whether this worker may sign in: the first one alone, and all once that succeeded.

        Args:
            fingerprint: The server.
            token: From `new_token`; of this sign-in, or of the test that it is part of.
        """
        now_ms, answer, until_ms = self._scripts.run("may_sign_in", fingerprint, token)
        return SignIn(
            allowed=answer != "wait",
            everybody=answer == "everybody",
            wait_seconds=max(until_ms - now_ms, 0) / 1000 if answer == "wait" else 0.0,
        )

    def signed_in(self, fingerprint: str, token: str, *, ok: bool) -> None:
        """Take in how a first sign-in ended: all may now, or the next one may try.

        One that was refused for good is not told here but by `report`, which opens the breaker: nobody may
        try the same password in between.
        """
        self._scripts.run("signed_in", fingerprint, token, int(ok))

    def release_allowance(self, fingerprint: str, wanted: int) -> int:
        """How many of those that wait for a server may go now: all, none, or a few while it recovers."""
        given: int = self._scripts.run("release", fingerprint, wanted, new_token())
        return given

    def pause(
        self, fingerprint: str, *, name: ServerName, by: str, reason: str, seconds: float | None = None
    ) -> None:
        """Keep everybody from a server, its tests too, for so long or until it is resumed.

        Raises:
            InvalidPause: The reason or the author is blank, or the time is not above 0.
        """
        if not reason.strip():
            raise InvalidPause("reason: is blank; allowed: words that tell others why the server is paused")
        if not by.strip():
            raise InvalidPause("by: is blank; allowed: the name of who pauses the server")
        if seconds is not None and seconds <= 0:
            raise InvalidPause("seconds: is not above 0; allowed: a time from now, or none")
        for_ms = max(int(seconds * 1000), 1) if seconds is not None else 0
        self._scripts.run("pause", fingerprint, name, _one_line(by), _one_line(reason), for_ms)

    def resume(self, fingerprint: str) -> None:
        """End a pause. A server that is open, paused or not, is tested at once."""
        self._scripts.run("resume", fingerprint)

    def servers(self) -> list[ServerState]:
        """Every server with a record, by name, for an operator; those never in trouble may have none."""
        rows = [_server_state(*row) for row in self._scripts.run("list")]
        return sorted(rows, key=lambda row: (row.name, row.fingerprint))

    def server(self, fingerprint: str) -> ServerState | None:
        """One of them; None where there is no record of it."""
        rows = self._scripts.run("list", fingerprint)
        return _server_state(*rows[0]) if rows else None

    def _log_moved(self, fingerprint: str) -> None:
        """Write down a move, in the one process whose call made it; twice where a reply was lost."""
        try:
            server = self.server(fingerprint)
        except redis.RedisError as error:
            # The move stands, and was this call's purpose.
            _log.warning("server_moved", fingerprint=fingerprint, error=type(error).__name__)
            return
        if server is None:
            return
        if server.state in {"open", "half_open"}:
            _log.warning("server_opened", server=server.name, reason=server.reason)
        else:
            _log.warning("server_closed", server=server.name)


def _permissions(asked: list[str], raw: Any) -> dict[str, Permission]:
    now_ms, answers = raw
    return {
        fingerprint: Permission(
            state=state,
            reason=reason,
            now_ms=now_ms,
            again_at_ms=again_at,
            probe_due=bool(due),
            misconfigured=bool(misconfigured),
            success_is_news=bool(news),
        )
        for fingerprint, (state, reason, again_at, due, misconfigured, news) in zip(
            asked, answers, strict=True
        )
    }


def _server_state(name: str, fingerprint: str, state: BreakerState, *rest: Any) -> ServerState:
    since, reason, failures, next_probe, success, failure, paused_by, paused_until, *later = rest
    misconfigured, last_reason = later
    return ServerState(
        name=name,
        fingerprint=fingerprint,
        state=state,
        since_ms=since or None,
        reason=reason,
        failures=failures,
        next_probe_ms=next_probe or None,
        last_success_ms=success or None,
        last_failure_ms=failure or None,
        paused_by=paused_by,
        paused_until_ms=paused_until or None,
        misconfigured=bool(misconfigured),
        last_failure_reason=last_reason,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:REASON_MAXIMUM_CHARACTERS]
