"""Who does this, and from where: the user of the operating system, at this machine."""

from __future__ import annotations

import os
import pwd
import socket


def author() -> str:
    """`user@host`; not from the environment, where anybody may write another name."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def source() -> str:
    """`cli host`, as the audit keeps it."""
    return f"cli {socket.gethostname()}"
