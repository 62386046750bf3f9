"""A prelude for a worker's process, under which its log shows all that a record carries."""

from __future__ import annotations

#: Has the log show all that a record carries, as handlers that write JSON do.
WHOLE_RECORDS = """
import logging
plain = logging.Formatter.format
logging.Formatter.format = lambda self, record: f"{plain(self, record)} {record.__dict__}"
"""
