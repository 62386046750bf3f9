"""A worker's side of a test: take the draft, examine each server, keep the report after every step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import redis

from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks.breaker import Breaker
from tasks.delivery.options import timeouts
from tasks.live_test.making import NOTHING_TO_TEST, Making
from tasks.live_test.sealing import opened
from tasks.routing import route, server_of
from tasks.server import Server
from tasks.server_test.draft import CHAIN, Draft, bound_to, laid_over
from tasks.server_test.examination import Question, examine
from tasks.server_test.report import LastTest, ServerReport, TestReport
from tasks.server_test.sample_mail import sample_mail
from tasks.server_test.storage import Storage
from tasks.transports.opening import TokenSource
from tasks.transports.pool import ConnectionPool, no_tokens
from tasks.transports.trust import Trust


class Examiner:
    """Makes the tests that were asked for.

    Args:
        client: From `settings_store.redis_client.connect`.
        store: The options, with this worker's keys.
        pool: Whose trust is used.
        tokens: Gives tokens for sign-ins by OAuth, each of them new: a kept one proves nothing.
        prefix: First part of every key.
        now: The present.
    """

    def __init__(
        self,
        client: redis.Redis,
        store: SettingsStore,
        pool: ConnectionPool,
        *,
        tokens: TokenSource = no_tokens,
        prefix: str = "notify",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._pool = pool
        self._tokens = tokens
        self._storage = Storage(client, prefix)
        self._breaker = Breaker(client, prefix=prefix)
        self._making = Making(self._storage, self._examine, is_well=_is_well)
        self._now = now

    def make(self, test_id: str, *, worker: str) -> str:
        """Make a test if nobody did; what came of it, in words without addresses.

        Raises:
            redis.RedisError: Redis did not answer when the draft was taken; nothing was tested.
        """
        report = self._making.make(test_id, worker=worker)
        return NOTHING_TO_TEST if report is None else _told(report)

    def _examine(self, report: TestReport, kept: str) -> None:
        saved = self._store.snapshot()
        draft = opened(kept, bound_to(report.id), saved.cipher, Draft)
        snapshot = laid_over(draft, saved)
        report.revision = saved.revision
        servers, report.error = _servers(draft, snapshot)
        for server in servers:
            report.servers.append(self._one(report, draft, snapshot, server))
            with contextlib.suppress(redis.RedisError):
                self._keep_last(report, report.servers[-1])
                self._hurry_probe(report.servers[-1])

    def _one(self, report: TestReport, draft: Draft, snapshot: Snapshot, server: Server) -> ServerReport:
        message = None
        if draft.send:
            message = sample_mail(
                server, snapshot, test_id=report.id, to=draft.to, worker=report.worker, now=self._now()
            )
        question = Question(
            server=server,
            timeouts=timeouts(snapshot),
            trust=Trust.of(snapshot),
            to=draft.to,
            message=message,
            token_source=self._tokens,
        )

        def tell(so_far: ServerReport) -> None:
            self._making.keep(msgspec.structs.replace(report, servers=[*report.servers, so_far]))

        return examine(question, self._pool, tell, now=self._now)

    def _keep_last(self, report: TestReport, server: ServerReport) -> None:
        failed = server.failed
        last = LastTest(
            id=report.id,
            at_ms=self._storage.now_ms(),
            by=report.by,
            worker=report.worker,
            fingerprint=server.fingerprint,
            ok=bool(server.ok),
            stage=failed.stage if failed else "",
            code=failed.code if failed else None,
            enhanced=failed.enhanced if failed else None,
            reason=(failed.reason or "") if failed else "",
        )
        self._storage.write_last(server.server, last)

    def _hurry_probe(self, server: ServerReport) -> None:
        """A server that is passed over, and was just found well, is probed at once instead of later."""
        if server.ok and any(
            each.fingerprint == server.fingerprint and each.state == "open"
            for each in self._breaker.servers()
        ):
            self._breaker.resume(server.fingerprint)


def _servers(draft: Draft, snapshot: Snapshot) -> tuple[list[Server], str]:
    """The servers to test, or why there is none."""
    if draft.target == CHAIN:
        routed = route(snapshot, draft.channel)
        return [hop.server for hop in routed.chain], routed.held or ""
    server = server_of(snapshot, draft.target)
    return ([server], "") if server else ([], f"{draft.target}.server_name is blank")


def _is_well(report: TestReport) -> bool:
    return bool(report.servers) and all(each.ok for each in report.servers)


def _told(report: TestReport) -> str:
    if report.error:
        return f"not tested: {report.error}"
    return ", ".join(
        f"{each.server}: {f'failed at {each.failed.stage}' if each.failed else 'ok'}"
        for each in report.servers
    )
