"""The parts of the console's process, each made when it is first asked for; threads share them."""

from __future__ import annotations

import threading

import redis

from settings_store.access import Access, Doorkeeper
from settings_store.audit import Audit
from settings_store.environment import Environment
from settings_store.followed_password import follow_password
from settings_store.live_keyring import LiveKeyring, followed_when_needed
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tasks.bells import Bells
from tasks.breaker import Breaker
from tasks.corrections import Corrections
from tasks.fleet import Fleet
from tasks.ledger import Ledger, LedgerQueries
from tasks.limits import Usages
from tasks.made_once import made_once
from tasks.pausing import Pausing
from tasks.publisher import Publisher
from tasks.server_test import ServerTests
from tasks.tally import NoTally, Tally

#: A person waits: shorter than a worker's, with one repeat for a connection that Redis closed meanwhile.
CONNECT_TIMEOUT_SECONDS = 2.0
REPLY_TIMEOUT_SECONDS = 4.0
RETRIES = 1


class Backend:
    """One installation as pages and API use it. Nothing is opened before it is used."""

    def __init__(self, environment: Environment, *, tally: Tally | None = None) -> None:
        self.environment = environment
        self.tally = tally or NoTally()
        self.making = threading.RLock()

    @property
    def prefix(self) -> str:
        """First part of every key."""
        return self.environment.prefix

    @made_once
    def redis(self) -> redis.Redis:
        """The Redis of options and ledger."""
        client = connect(self.environment.redis_url, retries=RETRIES)
        client.connection_pool.connection_kwargs.update(
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS, socket_timeout=REPLY_TIMEOUT_SECONDS
        )
        return follow_password(client, self.environment.redis_url_file, self.environment.redis_url)

    @made_once
    def keyring(self) -> LiveKeyring | None:
        """What opens and seals secrets; files that cannot be used fail what needs them, and nothing else."""
        return followed_when_needed(self.environment.key_files)

    @made_once
    def options(self) -> SettingsStore:
        """The options, to be read."""
        return self.store("")

    def store(self, source: str) -> SettingsStore:
        """The options, to be changed from somewhere; `source` is for the audit."""
        return SettingsStore(self.redis, prefix=self.prefix, keyring=self.keyring, source=source)

    @made_once
    def access(self) -> Access:
        """Accounts, roles and tokens."""
        return Access(self.redis, prefix=self.prefix)

    @made_once
    def doorkeeper(self) -> Doorkeeper:
        """Lets people and programs in."""
        return Doorkeeper(self.access)

    @made_once
    def audit(self) -> Audit:
        """Who did what."""
        return Audit(self.redis, prefix=self.prefix)

    @made_once
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(self.redis, prefix=self.prefix, revision_key=self.options.revision_key)

    @made_once
    def queries(self) -> LedgerQueries:
        """The ledger's reading side."""
        return LedgerQueries(self.redis, prefix=self.prefix)

    @made_once
    def corrections(self) -> Corrections:
        """Replays and cancels."""
        return Corrections(self.ledger, self.queries, self.options, self.audit)

    @made_once
    def bells(self) -> Bells:
        """Rings for workers."""
        return Bells(self.environment.broker_url, prefix=self.prefix)

    @made_once
    def publisher(self) -> Publisher:
        """Accepts notifications."""
        one_redis = self.environment.one_redis
        return Publisher(self.options, self.ledger, self.bells, one_redis=one_redis, tally=self.tally)

    @made_once
    def fleet(self) -> Fleet:
        """The workers."""
        return Fleet(self.redis, prefix=self.prefix)

    @made_once
    def breaker(self) -> Breaker:
        """How the servers do."""
        return Breaker(self.redis, prefix=self.prefix)

    @made_once
    def usages(self) -> Usages:
        """How much of the limits is used."""
        return Usages(self.redis, prefix=self.prefix)

    @made_once
    def pausing(self) -> Pausing:
        """Keeps everybody from a server."""
        return Pausing(self.redis, self.options, prefix=self.prefix)

    @made_once
    def server_tests(self) -> ServerTests:
        """Has workers test servers."""
        return ServerTests(self.redis, self.options, self.bells, prefix=self.prefix)

    def close(self) -> None:
        """Close what was opened."""
        for name in ("bells", "redis"):
            if name in self.__dict__:
                self.__dict__[name].close()
