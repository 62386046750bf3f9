"""A wrong password makes no more refusals than Windows takes, whoever tries and however often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from settings_store.redis_client import connect
from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.attachments.unc.sign_in_timing import GOOD_SECONDS, LEASE_SECONDS
from tasks.attachments.unc.status import SignInRefused
from tests.rigs.clock import TEST_CLOCK, LedgerClock
from tests.rigs.processes import free_port
from tests.rigs.samba import Samba
from tests.rigs.share_access import access, account, content_of

WORDS = "the account is locked out"


class Bench:
    """Several workers' guards on one clock."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client
        self.clock = LedgerClock(client)
        self.pauses: list[float] = []
        self.guards = [SignInGuard(client, clock=TEST_CLOCK, pause=self.pauses.append) for _ in range(4)]

    def tries(
        self, host: str, *, guard: int = 0, password: str = "wrong", error: Exception | None = None
    ) -> AttachmentFault | None:
        """Sign in, and be refused unless told otherwise; the fault where nothing was tried."""
        refused = SignInRefused(WORDS) if error is None else error
        try:
            with self.guards[guard](account(password=password), host, Budget(0)):
                raise refused
        except AttachmentFault as fault:
            return None if fault is refused else fault
        except OSError:
            return None

    def signs_in(self, host: str, *, guard: int = 0, password: str = "right") -> bool:
        """Sign in well; whether that was allowed."""
        try:
            with self.guards[guard](account(password=password), host, Budget(0)):
                return True
        except AttachmentFault:
            return False


@pytest.fixture
def bench(any_redis: redis.Redis) -> Bench:
    return Bench(any_redis)


def test_after_a_refusal_nobody_tries_that_account_there_for_a_while(bench: Bench) -> None:
    assert bench.tries("files") is None
    for guard in range(4):
        fault = bench.tries("files", guard=guard)
        assert fault is not None
        assert (fault.kind, fault.is_passing) == (Fault.DENIED, False)
        assert fault.words == (
            f"the account was refused just now ({WORDS}) and is not tried before 08:15 UTC, so that it is "
            "not locked out; a new general.unc_password, or notify share retry, tries it at once"
        )
    bench.clock.advance(14 * 60)
    fault = bench.tries("files")
    assert fault is not None
    assert "was refused 14 min ago" in fault.words
    bench.clock.advance(60)
    assert bench.tries("files") is None


def test_each_refusal_in_a_row_doubles_the_wait_up_to_an_hour(bench: Bench) -> None:
    tried_at = []
    for minute in range(5 * 60):
        if bench.tries("files") is None:
            tried_at.append(minute)
        bench.clock.advance(60)
    assert tried_at == [0, 15, 45, 105, 165, 225, 285]


def test_three_refusals_in_half_an_hour_are_all_that_any_account_makes_at_however_many_hosts(
    bench: Bench,
) -> None:
    tried_at = []
    for minute in range(3 * 60):
        tried_at += [minute for host in range(10) if bench.tries(f"files{host}", guard=host % 4) is None]
        bench.clock.advance(60)
    assert tried_at[:4] == [0, 0, 0, 30]
    for first, fourth in zip(tried_at, tried_at[3:], strict=False):
        assert fourth - first >= 30


def test_another_password_is_tried_at_once(bench: Bench) -> None:
    assert bench.tries("files") is None
    assert bench.tries("files") is not None
    assert bench.signs_in("files", password="right")


def test_a_host_where_the_account_is_good_stays_in_use(bench: Bench) -> None:
    assert bench.signs_in("good", password="one")
    for host in ("a", "b", "c"):
        assert bench.tries(host, password="one") is None
    assert bench.tries("d", password="one") is not None
    assert bench.signs_in("good", password="one")


def test_a_success_ends_the_row_of_refusals(bench: Bench) -> None:
    bench.tries("files")
    bench.clock.advance(15 * 60)
    assert bench.signs_in("files", password="wrong")
    bench.clock.advance(GOOD_SECONDS + 15 * 60)
    bench.tries("files")
    bench.clock.advance(15 * 60)
    assert bench.tries("files") is None


def test_one_signs_in_at_a_time_until_it_worked_and_then_everybody(bench: Bench) -> None:
    with bench.guards[0](account(), "files", Budget(0)):
        for guard in (1, 2, 3):
            with (
                pytest.raises(AttachmentFault, match="did not answer in time"),
                bench.guards[guard](account(), "files", Budget(0)),
            ):
                pass
    with bench.guards[0](account(), "files", Budget(0)), bench.guards[1](account(), "files", Budget(0)):
        pass


def test_one_that_dies_at_its_sign_in_is_not_waited_for_for_ever(bench: Bench) -> None:
    asking = bench.guards[0](account(), "files", Budget(0))
    asking.__enter__()
    assert not bench.signs_in("files", password="Winter 2026! päß")
    bench.clock.advance(LEASE_SECONDS + 1)
    assert bench.signs_in("files", password="Winter 2026! päß")


def test_a_host_that_does_not_answer_leaves_the_way_to_the_next(bench: Bench) -> None:
    assert bench.tries("files", error=OSError()) is None
    assert bench.signs_in("files", password="wrong")


def test_what_nobody_asked_about_for_a_week_is_forgotten(bench: Bench) -> None:
    bench.tries("files")
    bench.clock.advance(8 * 86_400)
    bench.tries("other", password="second")
    assert bench.redis.hlen("notify:unc:sign-ins") == 1
    assert bench.redis.ttl("notify:unc:sign-ins") > 0


def test_redis_holds_neither_account_nor_host_nor_password(bench: Bench) -> None:
    bench.tries("files.corp.example")
    bench.signs_in("nas")
    for key in bench.redis.scan_iter("notify:unc:*"):
        held = bench.redis.dump(key)
        for secret in ("svc_notify", "files", "wrong", "nas"):
            assert isinstance(held, bytes)
            assert secret.encode() not in held


def test_without_redis_nobody_is_signed_in(samba: Samba) -> None:
    shares = Shares(SignInGuard(connect(f"redis://127.0.0.1:{free_port()}/0", retries=0)))
    before = samba.signed_in()
    with pytest.raises(redis.RedisError):
        shares.open_by(samba.path("a.txt"), access(samba.address))
    assert samba.signed_in() == before


def test_sixteen_threads_of_four_workers_with_a_wrong_password_make_one_refusal(
    samba: Samba, redis_server: redis.Redis
) -> None:
    workers = [Shares(SignInGuard(redis_server)) for _ in range(4)]
    start = threading.Barrier(16)
    wrong = access(samba.address, password="wrong")

    def fault(thread: int) -> str:
        start.wait()
        with pytest.raises(AttachmentFault) as caught:
            workers[thread % 4].open_by(samba.path("a.txt"), wrong)
        return caught.value.words

    before = samba.refused_sign_ins()
    with ThreadPoolExecutor(16) as threads:
        words = list(threads.map(fault, range(16)))
    assert sum(said == "logon failure: unknown user name or bad password" for said in words) == 1
    assert sum(said.startswith("the account was refused just now") for said in words) == 15
    assert samba.refused_sign_ins() - before == 1


def test_sixteen_threads_with_the_right_password_all_get_in(samba: Samba, redis_server: redis.Redis) -> None:
    samba.write("a.txt", b"hello")
    workers = [Shares(SignInGuard(redis_server)) for _ in range(4)]
    start = threading.Barrier(16)

    def content(thread: int) -> bytes:
        start.wait()
        return content_of(workers[thread % 4].open_by(samba.path("a.txt"), access(samba.address)))

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(content, range(16))) == [b"hello"] * 16
    for worker in workers:
        worker.close()
