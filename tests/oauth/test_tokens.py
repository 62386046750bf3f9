"""One token for all workers; Redis is a real one, and the lifetimes in it are its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from redis.lock import Lock

from settings_store.cipher import Cipher
from settings_store.errors import MissingKey
from settings_store.keyring import Keys, generate
from tasks.key_rotation import KeyRotation
from tasks.oauth import tokens as timing
from tasks.oauth.fetching import FreshToken
from tasks.oauth.kept_tokens import KeptTokens
from tasks.oauth.tokens import Tokens
from tasks.server import OAuth, Server
from tasks.transports.failure import TokenFailure
from tests.rigs.delivering import oauth, server_at
from tests.rigs.planted import Planted

HOUR = 3600


class Identity:
    """Stands for the identity service: counts, and fails when told to."""

    def __init__(self) -> None:
        self.issued: list[str] = []
        self.asked = 0
        self.lifetime_seconds = HOUR
        self.failure: TokenFailure | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, sign_in: OAuth) -> FreshToken:
        self.asked += 1
        sign_in.client_secret()
        self.meanwhile()
        if self.failure is not None:
            raise self.failure
        self.issued.append(f"token-{len(self.issued) + 1}")
        return FreshToken(self.issued[-1], self.lifetime_seconds)


class Bench:
    """Workers that share a Redis."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.redis = client
        self.keys = keys
        self.identity = Identity()
        self.server = server_at(25, sign_in=oauth())
        self.tokens = self.worker()

    def worker(self, *, keys: Keys | None = None) -> Tokens:
        cipher = Cipher(keys or self.keys, "notify")
        kept = KeptTokens(self.redis, lambda: cipher, prefix="notify")
        return Tokens(kept, fetch=self.identity)

    def key(self, what: str) -> str:
        (found,) = self.redis.keys(f"notify:oauth:*:{what}")
        return str(found)

    def age(self, seconds: int) -> None:
        """Let the token be so much older."""
        left_ms = int(self.redis.pttl(self.key("token")))
        self.redis.pexpire(self.key("token"), left_ms - seconds * 1000)


@pytest.fixture
def bench(redis_server: redis.Redis, tmp_path: Path) -> Bench:
    return Bench(redis_server, generate(tmp_path / "keys.json"))


def test_a_token_is_fetched_once_for_all_workers_and_threads(bench: Bench) -> None:
    together = threading.Barrier(16)
    workers = [bench.worker() for _ in range(8)]

    def ask(number: int) -> str:
        together.wait()
        return workers[number % 8](bench.server)

    with ThreadPoolExecutor(16) as threads:
        answers = set(threads.map(ask, range(16)))
    assert answers == {"token-1"}
    assert bench.identity.asked == 1


def test_it_lies_sealed_in_redis_and_no_longer_than_it_holds(bench: Bench, planted: Planted) -> None:
    planted.in_redis(bench.redis)
    bench.identity.issued = [""] * 41
    planted.plant(bench.tokens(bench.server))
    left_ms = int(bench.redis.pttl(bench.key("token")))
    assert 0 < left_ms <= HOUR * 1000
    assert bench.redis.keys("notify:oauth:*:fetching") == []


def test_another_secret_tenant_application_or_service_is_another_token(bench: Bench) -> None:
    sign_in = oauth()
    others = [
        sign_in,
        replace(sign_in, seal="renewed"),
        replace(sign_in, tenant_id="other"),
        replace(sign_in, application_id="other"),
        replace(sign_in, endpoint=replace(sign_in.endpoint, authority_host="login.microsoftonline.us")),
        replace(sign_in, endpoint=replace(sign_in.endpoint, scope="other")),
    ]
    tokens = [bench.tokens(replace(bench.server, sign_in=each)) for each in others]
    assert len(set(tokens)) == len(others)


def test_two_mailboxes_of_one_application_share_its_token(bench: Bench) -> None:
    other = replace(bench.server, sign_in=oauth("other@corp.test"))
    assert bench.tokens(other) == bench.tokens(bench.server) == "token-1"


def test_a_token_is_renewed_before_it_runs_out(bench: Bench) -> None:
    bench.tokens(bench.server)
    bench.age(HOUR - int(timing.RENEW_BEFORE_SECONDS) - 60)
    assert bench.tokens(bench.server) == "token-1"
    bench.age(120)
    assert bench.tokens(bench.server) == "token-2"
    assert bench.worker()(bench.server) == "token-2"


def test_while_one_renews_the_others_go_on_with_the_old_one(bench: Bench) -> None:
    bench.tokens(bench.server)
    bench.age(HOUR - 300)
    seen: list[str] = []
    bench.identity.meanwhile = lambda: seen.append(bench.worker()(bench.server))
    assert bench.tokens(bench.server) == "token-2"
    assert seen == ["token-1"]
    assert bench.identity.asked == 2


def test_an_identity_service_that_is_away_stops_no_mail_while_the_token_holds(bench: Bench) -> None:
    bench.tokens(bench.server)
    bench.age(HOUR - 300)
    bench.identity.failure = TokenFailure("away", transient=True)
    for _ in range(5):
        assert bench.tokens(bench.server) == "token-1"
    assert bench.identity.asked == 2, "it is not asked again at every connection"
    bench.age(290)
    with pytest.raises(TokenFailure, match="away"):
        bench.tokens(bench.server)


@pytest.mark.parametrize("seconds", [None, 120])
def test_a_failure_is_told_to_all_for_a_moment_and_then_asked_again(
    bench: Bench, seconds: int | None
) -> None:
    bench.identity.failure = TokenFailure("busy", transient=True, retry_after_seconds=seconds)
    for worker in (bench.tokens, bench.worker(), bench.worker()):
        with pytest.raises(TokenFailure, match="busy") as caught:
            worker(bench.server)
        assert (caught.value.transient, caught.value.retry_after_seconds) == (True, seconds)
    assert bench.identity.asked == 1
    left_ms = int(bench.redis.pttl(bench.key("fault")))
    assert 0 < left_ms <= (seconds or timing.FAULT_SECONDS) * 1000
    bench.redis.delete(bench.key("fault"))
    bench.identity.failure = None
    assert bench.tokens(bench.server) == "token-1"


def test_those_who_wait_hear_of_the_failure_at_once(bench: Bench) -> None:
    asking, waiting = threading.Event(), threading.Event()

    def pause(_seconds: float) -> None:
        waiting.set()

    cipher = Cipher(bench.keys, "notify")
    patient = Tokens(
        KeptTokens(bench.redis, lambda: cipher, prefix="notify"), fetch=bench.identity, pause=pause
    )
    bench.identity.failure = TokenFailure("wrong secret")

    def meanwhile() -> None:
        asking.set()
        waiting.wait(30)

    bench.identity.meanwhile = meanwhile
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(bench.tokens, bench.server)
        assert asking.wait(30)
        second = threads.submit(patient, bench.server)
        for each in (first, second):
            with pytest.raises(TokenFailure, match="wrong secret"):
                each.result(30)
    assert bench.identity.asked == 1


def test_who_looked_before_the_failure_and_may_ask_after_it_does_not(bench: Bench) -> None:
    class Late(KeptTokens):
        """Between its look and the lock another one asks, and fails."""

        def lock(self, sign_in: OAuth) -> Lock:
            with pytest.raises(TokenFailure):
                bench.tokens(bench.server)
            return super().lock(sign_in)

    bench.identity.failure = TokenFailure("wrong secret")
    cipher = Cipher(bench.keys, "notify")
    late = Tokens(Late(bench.redis, lambda: cipher, prefix="notify"), fetch=bench.identity)
    with pytest.raises(TokenFailure, match="wrong secret"):
        late(bench.server)
    assert bench.identity.asked == 1


def test_who_waits_for_another_does_not_wait_for_ever(bench: Bench) -> None:
    now = 0.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    cipher = Cipher(bench.keys, "notify")
    kept = KeptTokens(bench.redis, lambda: cipher, prefix="notify")
    waiting = Tokens(kept, fetch=bench.identity, clock=lambda: now, pause=pause)
    with kept.lock(oauth()), pytest.raises(TokenFailure, match="takes too long") as caught:
        waiting(bench.server)
    assert caught.value.transient
    assert timing.WAIT_SECONDS < now < timing.WAIT_SECONDS + 1


def test_a_refused_token_is_replaced_once_for_all_workers(bench: Bench) -> None:
    bench.tokens(bench.server)
    bench.age(int(timing.REPLACE_AFTER_SECONDS))
    assert bench.tokens(bench.server, "token-1") == "token-2"
    assert bench.worker()(bench.server, "token-1") == "token-2", "another worker's refused token"
    assert bench.tokens(bench.server, "token-2") == "token-2", "a new one would be refused as well"
    assert bench.identity.asked == 2


def test_a_refused_token_is_dropped_even_where_no_other_can_be_had(bench: Bench) -> None:
    bench.tokens(bench.server)
    bench.age(int(timing.REPLACE_AFTER_SECONDS))
    bench.identity.failure = TokenFailure("wrong secret")
    with pytest.raises(TokenFailure, match="wrong secret"):
        bench.tokens(bench.server, "token-1")
    with pytest.raises(TokenFailure, match="wrong secret"):
        bench.worker()(bench.server)


def test_a_test_fetches_anew_whatever_is_kept_and_all_profit_from_it(bench: Bench) -> None:
    bench.identity.failure = TokenFailure("no consent")
    with pytest.raises(TokenFailure):
        bench.tokens(bench.server)
    bench.identity.failure = None
    assert bench.tokens.fresh(bench.server) == "token-1"
    assert bench.tokens.fresh(bench.server) == "token-2"
    assert bench.tokens.fresh(bench.server, "token-2") == "token-2", "a test signs in once"
    assert bench.tokens(bench.server) == "token-2"


def test_a_short_lived_token_is_used_for_half_its_life(bench: Bench) -> None:
    bench.identity.lifetime_seconds = 200
    assert [bench.tokens(bench.server) for _ in range(3)] == ["token-1"] * 3
    bench.age(110)
    assert bench.tokens(bench.server) == "token-2"


def test_a_token_that_is_over_at_once_is_given_and_not_kept(bench: Bench) -> None:
    bench.identity.lifetime_seconds = 0
    assert bench.tokens(bench.server) == "token-1"
    assert bench.tokens(bench.server) == "token-2"


def test_a_worker_that_died_while_fetching_holds_the_others_up_no_longer_than_its_lock(bench: Bench) -> None:
    lock = KeptTokens(bench.redis, lambda: Cipher(bench.keys, "notify"), prefix="notify").lock(oauth())
    assert lock.acquire()
    held_ms = int(bench.redis.pttl(bench.key("fetching")))
    assert 15_000 < held_ms <= 30_000
    bench.redis.pexpire(bench.key("fetching"), 200)
    assert bench.tokens(bench.server) == "token-1"


def test_a_token_that_no_key_here_opens_is_fetched_anew(bench: Bench, tmp_path: Path) -> None:
    bench.tokens(bench.server)
    other = bench.worker(keys=generate(tmp_path / "other.json"))
    assert other(bench.server) == "token-2"
    bench.redis.set(bench.key("token"), "no sealed value", px=60_000)
    assert bench.tokens(bench.server) == "token-3"


def test_a_sealed_token_of_one_application_does_not_open_for_another(bench: Bench) -> None:
    bench.tokens(bench.server)
    stolen = str(bench.redis.get(bench.key("token")))
    bench.redis.flushall()
    other = replace(bench.server, sign_in=replace(oauth(), tenant_id="other"))
    bench.tokens(other)
    bench.redis.set(bench.key("token"), stolen, px=HOUR * 1000)
    assert bench.tokens(other) == "token-3"


def test_a_key_rotation_reaches_the_token_and_it_goes_on(bench: Bench, tmp_path: Path) -> None:
    bench.tokens(bench.server)
    newer = generate(tmp_path / "newer.json")
    both = replace(newer, keys={**newer.keys, **bench.keys.keys})
    rotation = KeyRotation(bench.redis, prefix="notify")
    assert rotation.left(both) == 1
    assert rotation.reseal(both)["tokens of OAuth"].done == 1
    assert rotation.left(both) == 0
    assert bench.worker(keys=newer)(bench.server) == "token-1"


def test_a_full_redis_stops_no_sign_in(bench: Bench) -> None:
    bench.redis.config_set("maxmemory-policy", "noeviction")
    bench.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            bench.redis.set("anything", "1")
        bench.identity.failure = TokenFailure("away", transient=True)
        for _ in range(2):
            with pytest.raises(TokenFailure, match="away"):
                bench.tokens(bench.server)
        bench.identity.failure = None
        bench.redis.delete(bench.key("fault"))
        assert bench.tokens(bench.server) == bench.worker()(bench.server) == "token-1"
    finally:
        bench.redis.config_set("maxmemory", 0)
    assert bench.identity.asked == 2, "one fetch that failed and one that did not, for all"
    assert bench.redis.keys("notify:oauth:*:fetching") == []


def test_a_secret_that_cannot_be_opened_frees_the_way_for_another_worker(bench: Bench) -> None:
    def unopened() -> str:
        raise MissingKey("primary_email.client_secret", "k1")

    here: Server = replace(bench.server, sign_in=replace(oauth(), client_secret=unopened))
    with pytest.raises(MissingKey):
        bench.tokens(here)
    assert bench.worker()(bench.server) == "token-1"
    assert bench.tokens(here) == "token-1", "the kept token needs no secret"
