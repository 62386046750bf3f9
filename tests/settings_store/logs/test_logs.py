from __future__ import annotations

import io
import json
import logging
import os
import select
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from settings_store.logs import EventLog
from settings_store.logs.line import line
from settings_store.logs.logs import Logs, LogSettings
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tests.rigs.processes import wait_until


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """Every logger is as before when the test is over."""
    before = {name: logging.getLogger(name).level for name in ("", *logging.root.manager.loggerDict)}
    handlers = {name: list(logging.getLogger(name).handlers) for name in before}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers[:] = handlers[name]


@pytest.fixture
def logs(stream: io.StringIO, tmp_path: Path) -> Iterator[Logs]:
    made = Logs("worker", tmp_path / "f.log", stream=stream)
    yield made
    made.end()


def test_every_line_goes_to_standard_error_and_to_the_file(
    logs: Logs, stream: io.StringIO, tmp_path: Path
) -> None:
    EventLog("tasks.x").info("done", code=250)
    logs.end()
    assert "event=done code=250" in stream.getvalue()
    assert (tmp_path / "f.log").read_text() == stream.getvalue()


def test_a_saved_option_holds_in_a_running_process(
    logs: Logs, stream: io.StringIO, redis_server: redis.Redis
) -> None:
    store = SettingsStore(redis_server)
    log, runner = EventLog("tasks.x"), logging.getLogger("celery.worker")
    log.debug("not_yet")
    logs.follow(store.snapshot)
    store.change({"logging.level": "DEBUG", "logging.format": "json"}, author="test")
    wait_until(lambda: logging.getLogger("tasks").level == logging.DEBUG, what="the new level")
    log.debug("tried")
    assert '"event": "tried"' in stream.getvalue()
    store.change({"logging.level": "ERROR"}, author="test")
    wait_until(lambda: logging.getLogger("tasks").level == logging.ERROR, what="the other one")
    log.warning("left_out")
    runner.warning("left out too")
    log.error("written")
    assert "not_yet" not in stream.getvalue()
    assert "left" not in stream.getvalue()
    assert json.loads(stream.getvalue().splitlines()[-1])["event"] == "written"


def test_what_held_last_holds_on_while_redis_is_away(logs: Logs, stream: io.StringIO) -> None:
    asked: list[None] = []

    def away() -> None:
        asked.append(None)
        raise redis.ConnectionError("PLANTED")

    logs.follow(away)  # type: ignore[arg-type]
    wait_until(lambda: len(asked) >= 2, what="two looks")
    EventLog("tasks.x").info("goes_on")
    assert "goes_on" in stream.getvalue()
    assert "PLANTED" not in stream.getvalue()


def test_libraries_are_heard_from_warnings_on_whatever_is_set(stream: io.StringIO) -> None:
    made = Logs("worker", None, stream=stream, everything=True)
    library = logging.getLogger("urllib3.connectionpool")
    library.setLevel(logging.DEBUG)
    library.debug("POST /services/SECRET")
    library.warning("Retrying /services/SECRET")
    EventLog("tasks.x").debug("ours")
    made.end()
    first, second = stream.getvalue().splitlines()
    assert "event=library" in first
    assert "level=warning" in first
    assert "event=ours" in second
    assert "SECRET" not in stream.getvalue()


@pytest.mark.parametrize("name", ["tornado.access", "tornado.application", "tornado.general"])
def test_of_what_answers_browsers_no_words_are_written_since_they_quote_what_was_asked_for(
    stream: io.StringIO, name: str
) -> None:
    made = Logs("flower", None, stream=stream)
    logging.getLogger(name).warning("404 GET /login?code=SECRET (127.0.0.1) 0.50ms")
    logging.getLogger("flower.command").warning("goes on")
    made.end()
    first, second = stream.getvalue().splitlines()
    assert "SECRET" not in first
    assert f"logger={name}" in first
    assert 'message="goes on"' in second


def test_a_record_that_cannot_be_read_says_where_it_is_and_raises_nothing(
    logs: Logs, stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    record = logging.LogRecord(
        "celery.x", logging.WARNING, __file__, 7, "%d of", ("secret@example.com",), None
    )
    logs.handler.handle(record)
    assert "event=log_record_unreadable from=celery.x at=test_logs:" in stream.getvalue()
    assert "secret@example.com" not in stream.getvalue() + capsys.readouterr().err


def test_standard_error_that_is_gone_keeps_nothing_from_the_file(
    logs: Logs, stream: io.StringIO, tmp_path: Path
) -> None:
    stream.close()
    EventLog("tasks.x").info("done")
    logs.end()
    assert "event=done" in (tmp_path / "f.log").read_text()


def test_a_level_that_only_another_version_knows_is_taken_for_the_usual_one() -> None:
    # As a library does that knows more levels.
    logging.addLevelName(5, "TRACE")
    later = LogSettings.of(Snapshot(1, {"logging.level": "TRACE", "logging.format": "xml"}))
    assert later.level == logging.INFO
    record = logging.makeLogRecord({"name": "celery", "msg": "x", "levelname": "INFO"})
    assert "event=celery message=x" in line(record, later.form, program="p")


def test_a_child_writes_though_a_thread_of_its_parent_was_in_the_middle_of_a_line() -> None:
    reader, writer = os.pipe()
    stream = io.TextIOWrapper(io.BufferedWriter(io.FileIO(writer, "w")), encoding="utf-8")
    logs = Logs("worker", None, stream=stream)
    # Longer than a pipe, of which nobody reads: the thread stays in the middle of writing.
    long = threading.Thread(target=EventLog("tasks.x").error, args=("long",), kwargs={"x": "x" * 300_000})
    long.start()
    try:
        wait_until(lambda: not select.select([], [writer], [], 0)[1], what="a pipe that is full")
        child = os.fork()
        if not child:
            with Path(os.devnull).open("w") as null:
                os.dup2(null.fileno(), writer)
            EventLog("tasks.x").error("short")
            os._exit(0)
        assert _ends(child)
    finally:
        while long.is_alive():
            if select.select([reader], [], [], 0.01)[0]:
                os.read(reader, 65_536)
        logs.end()
        stream.close()
        os.close(reader)


def _ends(child: int) -> bool:
    """Whether a child ends by itself; it has ended in any case."""
    ended = os.pidfd_open(child)
    try:
        ends = bool(select.select([ended], [], [], 10)[0])
        if not ends:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    finally:
        os.close(ended)
    return ends


def test_a_signal_in_the_middle_of_a_line_raises_nothing() -> None:
    class Reentered(io.StringIO):
        def write(self, _: str) -> int:
            raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    logs = Logs("worker", None, stream=Reentered())
    try:
        EventLog("tasks.x").error("at_the_wrong_moment")
    finally:
        logs.end()
