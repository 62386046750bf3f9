"""What the doctor knows before it judges; plain values, so that every rule is tested without any server.

Times are Unix milliseconds by Redis' clock. A part that could not be read is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from settings_store.snapshot import Snapshot
from tasks.fallback import Standing
from tasks.fleet import FleetMember
from tasks.server_status import ServerStatus


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """The Redis of options and ledger.

    Attributes:
        program: What it is: Redis or Valkey.
        version: Its version.
        is_replica: Whether it copies another one.
        append_only: Whether every write goes to a file.
        append_fsync: When that file is forced to the disk; blank where Redis does not tell.
        append_well: Whether the last write to that file went well.
        policy: What it does when memory is full.
        memory_bytes: What it uses.
        memory_maximum_bytes: What it may use; 0 is no limit.
        seconds: How long it took to answer.
        by_sentinels: Whether Sentinels name it, so that another may take its place.
        replicas: How many copy it.
        least_replicas: Without so many of them it takes no writes; 0 is no condition, None not told.
    """

    program: str = "Redis"
    version: str = ""
    is_replica: bool = False
    append_only: bool = False
    append_fsync: str = ""
    append_well: bool = True
    policy: str = ""
    memory_bytes: int = 0
    memory_maximum_bytes: int = 0
    seconds: float = 0.0
    by_sentinels: bool = False
    replicas: int = 0
    least_replicas: int | None = None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The key file of this process, and what it opens.

    Attributes:
        named: The files that NOTIFY_KEY_FILE names.
        fault: Why they cannot be used; blank where they can.
        keys: Ids of the keys in them.
        needed: Key id by which each secret option was sealed, by option.
        closed: Options whose secret does not open here, with the reason.
    """

    named: tuple[str, ...] = ()
    fault: str = ""
    keys: frozenset[str] = frozenset()
    needed: Mapping[str, str] = field(default_factory=dict)
    closed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RabbitMQFacts:
    """What is looked at where the broker is RabbitMQ.

    Attributes:
        version: Its version; blank where it does not tell.
        other_kind: Of our queues those that are no quorum queues.
        consumers: How many consume each of our queues.
        unread: Messages in the queue `celery` that nobody consumes, whosoever they are.
    """

    version: str = ""
    other_kind: tuple[str, ...] = ()
    consumers: Mapping[str, int] = field(default_factory=dict)
    unread: int = 0


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """The broker.

    Attributes:
        fault: Why it does not answer; blank where it does.
        waiting: Messages in each of our queues.
        stranded: Of our messages in the queue `celery`; None where it was not looked at (no Redis).
        queue: Where they belong, under the name that Redis knows.
        stranded_alone: Whether nothing but our messages was seen there.
        taken_by_others: Of our messages that a consumer holds which is none of ours.
        oldest_unacknowledged_ms: Since when the oldest message is held without being acknowledged.
        rabbitmq: What only RabbitMQ has; None where the broker is none.
    """

    fault: str = ""
    waiting: Mapping[str, int] = field(default_factory=dict)
    stranded: int | None = None
    queue: str = "notify.normal"
    stranded_alone: bool = True
    taken_by_others: int = 0
    oldest_unacknowledged_ms: int | None = None
    rabbitmq: RabbitMQFacts | None = None


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """The notifications.

    Attributes:
        held: How many are held.
        overdue: How many should have been looked at by now.
        oldest_due_ms: When the oldest of those was due.
        dead_lately: Dead letters among those accepted within a day, by state.
        gateways: Domains of ended carrier gateways that recent notifications went to, with how many.
    """

    held: int = 0
    overdue: int = 0
    oldest_due_ms: int | None = None
    dead_lately: Mapping[str, int] = field(default_factory=dict)
    gateways: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything.

    Attributes:
        now_ms: Redis' time.
        here_ahead_ms: How far the clock of this host is ahead of it.
        snapshot: The options; None where they could not be read.
        saved_ms: When the last revision was saved.
        fleet: The workers.
        servers: The four servers.
        channels: Whether e-mail and texts go the way they are meant to.
        unread: Parts that could not be read, with the reason.
    """

    now_ms: int
    here_ahead_ms: int = 0
    redis: RedisFacts | None = None
    snapshot: Snapshot | None = None
    saved_ms: int | None = None
    keys: KeyFacts | None = None
    fleet: Sequence[FleetMember] | None = None
    broker: BrokerFacts | None = None
    servers: Sequence[ServerStatus] | None = None
    channels: Sequence[Standing] = ()
    ledger: LedgerFacts | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
