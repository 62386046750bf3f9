"""Where the processes of a prefork pool keep their counts together, so that one `/metrics` tells them all."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import MutableMapping, Sequence
from typing import Final

from prometheus_client import values

from workers.metrics_address import VARIABLE
from workers.pool_choice import pool_choice

#: The library's own variable.
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


def share_counts(arguments: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Have counts kept in a folder, for a worker whose metrics are served and whose tasks run in children.

    To be called before the first count is made. The folder goes with the process that made it. One that is
    set already is somebody's choice, and stays.

    Args:
        arguments: The command line.
        environ: This process' environment, which its children inherit.
    """
    if not environ.get(VARIABLE) or environ.get(FOLDER_VARIABLE) or pool_choice(arguments) != "prefork":
        return
    folder = tempfile.mkdtemp(prefix="notify-metrics-")
    environ[FOLDER_VARIABLE] = folder
    # The library looks at its variable when it is imported, and Flower's command, which Celery loads before
    # this, has imported it.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    atexit.register(_remove, folder, os.getpid())


def _remove(folder: str, maker: int) -> None:
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
