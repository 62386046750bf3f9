"""Records of events stand in for those of the standard library."""

from __future__ import annotations

import logging
import os
import sys
import time

from settings_store.logs.event_log import Event
from settings_store.logs.event_record import EventRecord

_NAMES_OF_WHO_RUNS = {"thread", "threadName", "processName", "taskName"}


def _both() -> tuple[logging.LogRecord, EventRecord]:
    frame = sys._getframe()
    event = Event("lease_lost", {"why": "two words"})
    ours = EventRecord("tasks.x", logging.WARNING, frame.f_code, 7, event)
    theirs = logging.LogRecord(
        "tasks.x", logging.WARNING, frame.f_code.co_filename, 7, event, None, None, func=frame.f_code.co_name
    )
    return theirs, ours


def test_a_record_has_every_attribute_of_the_standard_librarys_with_the_same_value() -> None:
    theirs, ours = _both()
    assert vars(theirs).keys() <= vars(ours).keys()
    times = {"created", "msecs", "relativeCreated"}
    for name in vars(theirs).keys() - times - _NAMES_OF_WHO_RUNS:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert abs(ours.created - time.time()) < 60
    assert ours.process == os.getpid()


def test_formatters_of_others_can_write_one() -> None:
    _, ours = _both()
    form = "%(asctime)s %(levelname)s %(name)s %(module)s %(filename)s:%(lineno)d %(funcName)s %(message)s"
    written = logging.Formatter(form).format(ours)
    assert written.endswith(
        'WARNING tasks.x test_event_record test_event_record.py:7 _both lease_lost why="two words"'
    )
