"""`make up` with a stand-in for Flower and worker, so that its own conduct is seen alone and fast.

`WORKER` in the environment is a shell line that runs as the worker.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from workers.embedded.announce import Announcer
from workers.embedded.child import Program
from workers.embedded.choices import Choices
from workers.embedded.home import Home
from workers.embedded.programs import programs
from workers.embedded.up import up


def stand_ins(home: Home, choices: Choices, environment: Mapping[str, str]) -> list[Program]:
    """The real inboxes, and a worker of one shell line."""
    (inbox,) = [program for program in programs(home, choices, environment) if program.name == "inbox"]
    line = os.environ.get("WORKER", "echo ready; exec sleep 600")
    worker = Program(
        name="worker",
        command=("/bin/sh", "-c", line),
        environment=environment,
        folder=Path("/"),
        ready=lambda log: log.said(b"ready"),
        grace_seconds=20.0,
    )
    return [inbox, worker]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", action="append", default=[])
    wanted = {name: int(port) for name, _, port in (text.partition("=") for text in parser.parse_args().port)}
    sys.exit(up(os.environ, Announcer(), wanted_ports=wanted, beside_redis=stand_ins))
