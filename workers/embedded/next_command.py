"""The command that a person types next, as it works from where they stand."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from workers.embedded.home import Home


def notify_command(home: Home, words: str) -> str:
    """`notify` with these words; it names the data folder where that is not the usual one."""
    program = shlex.quote(short(Path(sys.executable).parent / "notify"))
    usual = home == Home.of({})
    return f"{'' if usual else f'NOTIFY_HOME={shlex.quote(str(home.folder))} '}{program} {words}"


def first_mail(home: Home) -> str:
    """Sends a first mail."""
    return notify_command(home, "send email --to you@example.com --message hi")


def short(path: Path) -> str:
    """A path, relative where it lies below the present folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
