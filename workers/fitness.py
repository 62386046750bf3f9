"""Takes a worker out of the queues while its key file does not open the secrets that its servers need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from settings_store.errors import KeyringUnusable, MissingKey, NoKeyring, SecretFault
from settings_store.logs import EventLog
from tasks.routing import servers_in_use
from tasks.runtime import Runtime
from tasks.server import Basic, OAuth, Server

_log = EventLog(__name__)


class Fitness:
    """Whether this worker takes work.

    It judges the faults of its own key file alone: a secret that nobody can open is no reason to leave the
    queues to nobody.

    Args:
        runtime: The process' runtime.
        consumer: The worker's consumer; None while it has none.
        consumed: Names of the queues that are consumed now.
    """

    def __init__(
        self, runtime: Runtime, *, consumer: Callable[[], Any], consumed: Callable[[], list[str]]
    ) -> None:
        self._runtime = runtime
        self._consumer = consumer
        self._consumed = consumed
        self._left: list[str] = []
        self.fault = ""

    def check(self) -> None:
        """Leave the queues, or come back to them, as the key file has it now.

        Raises:
            redis.RedisError: Redis does not answer; nothing is changed.
        """
        fault = self._find_fault()
        consumer = self._consumer()
        if consumer is None:
            return
        if fault:
            # Also what a new connection to the broker, or a remote command, has begun to consume since.
            queues = self._consumed()
            for queue in queues:
                consumer.call_soon(consumer.cancel_task_queue, queue)
            self._left = list(dict.fromkeys([*self._left, *queues]))
            if not self.fault:
                _log.error("worker_unfit", reason="takes no work until it is cured", fault=fault)
        elif self.fault:
            for queue in self._left:
                consumer.call_soon(consumer.add_task_queue, queue)
            self._left = []
            _log.warning("worker_fit", reason="takes work again")
        self.fault = fault

    def _find_fault(self) -> str:
        """What is wrong with the key file, naming option and key but no value; blank for nothing."""
        for server in servers_in_use(self._runtime.store.snapshot()):
            try:
                _open_secret(server)
            except (NoKeyring, KeyringUnusable, MissingKey) as fault:
                return str(fault)
            except SecretFault:
                # The value itself is broken: no worker can open it.
                continue
        return ""


def _open_secret(server: Server) -> None:
    match server.sign_in:
        case Basic(password=opens) | OAuth(client_secret=opens):
            opens()
