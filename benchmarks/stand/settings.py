"""The Redis that all sides of a comparison share, set as `make up` sets it."""

from __future__ import annotations

from typing import Final

#: Accepted means on disk, for whoever writes: every reply to a write waits for the disk.
REDIS_OPTIONS: Final = (
    *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "8gb"),
    *("--maxmemory-policy", "noeviction"),
)
SHOWN: Final = "appendonly yes, appendfsync always, noeviction; one server for all sides"
