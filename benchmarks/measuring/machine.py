"""Names the machine that figures are of."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

_SYNCS = 50


def machine(server: str, folder: Path) -> dict[str, str]:
    """What one must know of a machine to compare figures with it.

    Args:
        server: The program that serves Redis.
        folder: Where its data is put: how fast that is to be on disk decides what accepting costs.
    """
    versions = {name: importlib.metadata.version(name) for name in ("celery", "kombu", "redis")}
    return {
        "processor": f"{_model()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}, {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "redis": _server_version(server),
        "sync to disk": f"{_sync_ms(folder):.2f} ms in the median",
        "load before": f"{os.getloadavg()[0]:.1f} in the last minute",
    }


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _server_version(program: str) -> str:
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()
    return f"{told[0]} {next(word for word in told if word.startswith('v=')).removeprefix('v=')}"


def _sync_ms(folder: Path) -> float:
    spent = []
    with (folder / "synced").open("wb") as file:
        for _ in range(_SYNCS):
            file.write(b"x" * 512)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000
