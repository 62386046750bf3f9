"""Begins the tests of servers that are passed over, each in a thread of its own: a sweep waits for none."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping

import redis

from settings_store.errors import SecretFault
from settings_store.logs import EventLog
from settings_store.snapshot import Snapshot
from tasks.breaker import Permission
from tasks.runtime import Runtime
from tasks.server import Server

_log = EventLog(__name__)


def in_a_thread(act: Callable[[], None], name: str) -> None:
    """Do something beside what this process does; its end waits for nobody."""
    threading.Thread(target=act, name=name, daemon=True).start()


class Probes:
    """The tests of one process, one at a time for each server.

    Args:
        runtime: The process' runtime.
        run: Runs a test, given a name for it.
    """

    def __init__(
        self, runtime: Runtime, *, run: Callable[[Callable[[], None], str], None] = in_a_thread
    ) -> None:
        self._runtime = runtime
        self._run = run
        self._lock = threading.Lock()
        self._running: set[str] = set()

    def begin(
        self, servers: Mapping[str, Server], permissions: Mapping[str, Permission], snapshot: Snapshot
    ) -> None:
        """Begin each test that is due.

        Args:
            servers: Those in use, by fingerprint: one that is no longer configured is tested no more.
            permissions: What their breakers say.
            snapshot: The options.
        """
        for fingerprint, server in servers.items():
            if permissions[fingerprint].probe_due and self._enter(fingerprint):
                self._run(functools.partial(self._probe, server, snapshot), f"probe {server.name}")

    def _enter(self, fingerprint: str) -> bool:
        with self._lock:
            is_free = fingerprint not in self._running
            self._running.add(fingerprint)
        return is_free

    def _probe(self, server: Server, snapshot: Snapshot) -> None:
        try:
            self._runtime.prober.probe(server, snapshot)
        except SecretFault as fault:
            # Its words name option and key, never a value. A worker that is fit takes the test.
            _log.warning("probe_not_possible", server=server.name, fault=fault)
        except redis.RedisError as error:
            _log.warning("probe_not_told", server=server.name, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001  # a thread of its own: nobody else would hear of it
            _log.error("probe_crashed", server=server.name, error=type(error).__name__)
        finally:
            with self._lock:
                self._running.discard(server.fingerprint)
