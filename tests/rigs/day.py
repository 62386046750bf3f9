"""One day of a whole installation, and what everybody was shown in it."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.rigs.delivery_servers import MailServer
from tests.rigs.embedded import PROJECT
from tests.rigs.guarded_redis import GuardedRedis
from tests.rigs.identity_service import IdentityService
from tests.rigs.planted import Planted


@dataclass
class Day:
    """What is there, and what everybody was shown.

    Attributes:
        primary: Takes tokens, as XOAUTH2.
        secondary: Takes a password.
        service: Issues tokens.
        bundle: Vouches for it.
        planted: The secrets.
        shown: By place, everything that was read there.
        ids: Of notifications, in the order in which they were sent.
    """

    redis: GuardedRedis
    folder: Path
    primary: MailServer
    secondary: MailServer
    service: IdentityService
    bundle: str
    planted: Planted = field(default_factory=Planted)
    shown: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ids: list[str] = field(default_factory=list)

    def keep(self, place: str, *texts: str) -> None:
        self.shown[place].extend(texts)

    def notify(self, *arguments: str, stdin: str = "", code: int | None = 0) -> str:
        """A command by the console's user; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "console.cli.main", *arguments],
            cwd=PROJECT,
            env=self.redis.environ("console"),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        self.keep(f"cli {arguments[0]}", done.stdout, done.stderr)
        return done.stdout
