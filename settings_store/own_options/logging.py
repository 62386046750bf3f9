"""What every process of ours writes down about what it does."""

from __future__ import annotations

from settings_store.kinds import Choice, Integer
from settings_store.option import Option

TITLE = "Logs"

OPTIONS: tuple[Option, ...] = (
    Option(
        "logging.level",
        "Level",
        Choice(("DEBUG", "INFO", "WARNING", "ERROR")),
        "INFO",
        "What is written, and whatever is more serious. INFO has a line for each attempt at a server. "
        "It holds in every running worker and console within a second. Other people's code below WARNING is "
        "left out, except Celery's. A worker that was started with `-l DEBUG` writes all, whatever is set "
        "here.",
    ),
    Option(
        "logging.format",
        "Format",
        Choice(("logfmt", "json")),
        "logfmt",
        "How a line is written: words as name=value, or one JSON object.",
    ),
    Option(
        "logging.maximum_file_size",
        "Maximum log file size",
        Integer(100, 1_000_000, "KB"),
        10_000,
        "How large a file grows before it is put aside, in units of 1,024 bytes. There is a file where "
        "NOTIFY_LOG_FILE names one; standard error has every line too.",
    ),
    Option(
        "logging.files_kept",
        "Log files kept",
        Integer(1, 100, "files"),
        5,
        "How many files that were put aside are kept: the newest ends in .1, and what is older is deleted.",
    ),
)
