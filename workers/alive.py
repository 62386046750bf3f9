"""Whether a worker lives, told by its sign of life: `python -m workers.alive [NAME]`, for health checks.

A ping would be answered by a worker that fetches nothing any more, and takes seconds; the sign of life is
written by the worker's own thread, which ends a worker that does not move.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence

import redis

from settings_store import environment
from settings_store.redis_client import connect
from tasks.fleet import Fleet


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where it lives, 1 with a sentence where it does not, or where that cannot be known."""
    parser = argparse.ArgumentParser(prog="python -m workers.alive", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "name",
        nargs="?",
        default=f"celery@{socket.gethostname()}",
        help="as `celery worker -n` has it, with %%h put in; default: %(default)s",
    )
    name = parser.parse_args(arguments).name
    try:
        found = environment.load()
        if Fleet(connect(found.redis_url, retries=1), prefix=found.prefix).is_alive(name):
            return 0
    except environment.InvalidEnvironment as fault:
        print(f"error: {fault}", file=sys.stderr)  # noqa: T201  # a program of its own
        return 1
    except redis.RedisError as error:
        print(f"error: Redis does not answer ({type(error).__name__})", file=sys.stderr)  # noqa: T201  # the same
        return 1
    print(f"error: no sign of life from {name}", file=sys.stderr)  # noqa: T201  # the same
    return 1


if __name__ == "__main__":
    sys.exit(main())
