"""What the console writes down: a line with time, level and event on stderr. Never an address or a text."""

from __future__ import annotations

import logging
import sys


def log_to_stderr() -> None:
    """Begin to write; what a library says below a warning is left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("console").setLevel(logging.INFO)
