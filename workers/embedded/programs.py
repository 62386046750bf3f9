"""The programs that `make up` supervises beside Redis, as data."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from workers.embedded.child import Program
from workers.embedded.child_log import ChildLog
from workers.embedded.choices import Choices
from workers.embedded.home import Home
from workers.embedded.ports import LOOPBACK, answers

PROJECT = Path(__file__).resolve().parents[2]
FLOWER_USER = "notify"
#: Flower keeps rows in memory: enough to look back over a rehearsal.
FLOWER_TASKS_MAXIMUM = 10_000
FLOWER_FORGETS_WORKER_SECONDS = 300
#: A send that runs may finish; one that hangs is left to its lease.
WORKER_GRACE_SECONDS = 30.0
#: A request that runs may finish.
CONSOLE_GRACE_SECONDS = 12.0
_WORKER_READY = b" ready."


def flower_address(choices: Choices) -> str:
    """Where Flower's pages are."""
    return f"http://{LOOPBACK}:{choices.ports['flower']}/"


def programs(home: Home, choices: Choices, environment: Mapping[str, str]) -> list[Program]:
    """Inboxes, Flower, the console and a worker for all queues, in the order of their start.

    Args:
        home: The data folder.
        choices: Ports and Flower's password.
        environment: For all of them; says where Redis and the key ring are.
    """

    def python(
        name: str,
        *arguments: str,
        ready: Callable[[ChildLog], bool],
        grace_seconds: float = 5.0,
        **more: str,
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", *arguments),
            environment={**environment, **more},
            folder=PROJECT,
            ready=ready,
            grace_seconds=grace_seconds,
        )

    ports = choices.ports
    return [
        python(
            "inbox",
            "workers.embedded.inbox",
            str(home.folder),
            *(f"{name}={ports[name]}" for name in ("page", "primary", "secondary")),
            ready=lambda _log: answers(ports["page"]),
        ),
        python(
            "flower",
            *("celery", "-A", "workers", "flower"),
            *(f"--address={LOOPBACK}", f"--port={ports['flower']}"),
            f"--max_tasks={FLOWER_TASKS_MAXIMUM}",
            f"--purge_offline_workers={FLOWER_FORGETS_WORKER_SECONDS}",
            ready=lambda _log: answers(ports["flower"]),
            # By environment: arguments are shown by `ps`.
            FLOWER_BASIC_AUTH=f"{FLOWER_USER}:{choices.flower_password}",
        ),
        python(
            "console",
            # A program of its own: this room and that one do not import each other.
            *("console.cli.main", "console", "--host", LOOPBACK, "--port", str(ports["console"])),
            ready=lambda _log: answers(ports["console"]),
            grace_seconds=CONSOLE_GRACE_SECONDS,
            # By environment, and no option: its port may be another at the next start.
            NOTIFY_FLOWER_URL=flower_address(choices),
        ),
        python(
            "worker",
            *("celery", "-A", "workers", "worker", "--loglevel=INFO"),
            ready=lambda log: log.said(_WORKER_READY),
            grace_seconds=WORKER_GRACE_SECONDS,
        ),
    ]
