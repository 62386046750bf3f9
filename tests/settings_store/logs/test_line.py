from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.logs import EventLog, bound
from settings_store.logs.event_log import Event
from settings_store.logs.line import fields_of, line
from settings_store.logs.logfmt import logfmt

AT = 1_800_000_000.1234


def record(
    message: object, *args: object, name: str = "tasks.delivery.walk", **more: object
) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, "/x/walk.py", 7, message, args, None)
    made.created, made.process = AT, 42
    vars(made).update(more)
    return made


def raised(make: Callable[[], object]) -> logging.LogRecord:
    try:
        make()
    except Exception:  # noqa: BLE001  # whatever it is
        return record("broke", exc_info=sys.exc_info())
    raise AssertionError("nothing was raised")


def test_a_line_of_words_has_when_how_serious_what_about_what_and_from_where() -> None:
    said = Event("server_opened", {"server": "primary_email", "reason": "the server refuses", "code": None})
    assert line(record(said), "logfmt", program="worker") == (
        "ts=2027-01-15T08:00:00.123Z level=warning event=server_opened server=primary_email "
        'reason="the server refuses" logger=tasks.delivery.walk program=worker pid=42'
    )


def test_the_same_line_as_json_has_the_same_fields_with_their_types() -> None:
    written = line(
        record(Event("attempt", {"code": 250, "seconds": 0.5, "ok": True})), "json", program="worker"
    )
    assert json.loads(written) == {
        "ts": "2027-01-15T08:00:00.123Z",
        "level": "warning",
        "event": "attempt",
        "code": 250,
        "seconds": 0.5,
        "ok": True,
        "logger": "tasks.delivery.walk",
        "program": "worker",
        "pid": 42,
    }


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text()))
def test_whatever_the_values_are_a_line_stays_one_of_printable_ascii(fields: dict[str, str]) -> None:
    for form in ("logfmt", "json"):
        written = line(record(Event("e", fields)), form, program="p")
        assert written.isascii()
        assert written.isprintable()


@pytest.mark.parametrize(
    "value, written",
    [
        ("plain-1.2:3/x", "a=plain-1.2:3/x"),
        ("", 'a=""'),
        ("two words", 'a="two words"'),
        ('a"b', 'a="a\\"b"'),
        ("a=b", 'a="a=b"'),
        ("line\nbreak", 'a="line\\nbreak"'),
        ("\x1b[31m\x9b", 'a="\\u001b[31m\\u009b"'),
        (True, "a=true"),
        (["x", "y"], "a=x,y"),
        (None, ""),
    ],
)
def test_what_could_be_mistaken_is_quoted(value: object, written: str) -> None:
    assert logfmt({"a": value}) == written


def test_what_shows_itself_as_something_else_than_it_is_ends_no_line() -> None:
    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "x\nlevel=error"

        def __format__(self, how: str, /) -> str:
            return f"{self}{how}"

    class Number(int):
        __str__ = __format__ = __repr__ = lambda *_: "1\nlevel=error"  # type: ignore[assignment]

    assert logfmt({"plain": "x", "a": Text("x"), "b": Number(1), "c": True, "d": 1.0}) == (
        "plain=x a=x b=1 c=true d=1.0"
    )


def test_what_is_bound_is_in_every_line_of_this_thread_a_librarys_too_and_in_no_other() -> None:
    seen: list[dict[str, object]] = []

    def look() -> None:
        seen.append(fields_of(record("x"), program="p"))

    with bound({"notification": "one", "pass": 2}), bound({"pass": 3}):
        own = fields_of(record(Event("e", {"notification": "two"})), program="p")
        foreign = fields_of(record("ready", name="celery.worker"), program="p")
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert (own["notification"], own["pass"]) == ("two", 3)
    assert (foreign["notification"], foreign["event"], foreign["message"]) == ("one", "celery", "ready")
    assert "notification" not in seen[0]
    assert "notification" not in fields_of(record("x"), program="p")


@pytest.mark.parametrize(
    "name", ["urllib3.connectionpool", "msal.token_cache", "smbprotocol.session", "redis", "root"]
)
def test_of_libraries_that_write_what_they_send_the_place_alone_is_written(name: str) -> None:
    fields = fields_of(record("POST %s", "/services/SECRET", name=name), program="p")
    assert (fields["event"], fields["at"], fields["logger"]) == ("library", "walk:7", name)
    assert "SECRET" not in str(fields)


@pytest.mark.parametrize("name", ["celery.app.trace", "tasks.delivery", "urllib3"])
def test_of_an_exception_type_and_place_are_written_and_never_its_words(name: str) -> None:
    failed = raised(lambda: int("secret@example.com"))
    failed.name = name
    fields = fields_of(failed, program="p")
    assert fields["error"] == "ValueError"
    assert "test_line.py" in fields["at"]
    assert "secret@example.com" not in line(failed, "json", program="p")


def test_an_event_reads_as_name_and_fields_for_handlers_that_are_not_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    EventLog("tasks.x").warning("lease_lost", notification="n1", why="two words")
    (kept,) = caplog.records
    assert kept.getMessage() == 'lease_lost notification=n1 why="two words"'
    assert (kept.funcName, kept.module) == (
        "test_an_event_reads_as_name_and_fields_for_handlers_that_are_not_ours",
        "test_line",
    )
