"""`notify message watch`: each thing once, as it happens, from a real stream."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from settings_store.redis_client import connect
from tasks.ledger.changes import Changes
from tests.rigs.command_line import CommandLine
from tests.rigs.notifications import email
from tests.rigs.processes import running_redis, wait_until
from tests.rigs.told_ledger import ToldLedger


class Watch:
    """A `notify message watch` in a process of its own, and what it has said so far."""

    def __init__(self, notify: CommandLine, folder: Path, *arguments: str) -> None:
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = notify.start(
                "message", "watch", *arguments, stdout=out.fileno(), stderr=err.fileno()
            )

    @property
    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    @property
    def told(self) -> str:
        return self._err.read_text()

    def shows(self, words: str) -> None:
        wait_until(lambda: any(words in line for line in self.lines), what=f"a line with {words}")

    def ended(self) -> int:
        return self.process.wait(timeout=60)


@pytest.fixture
def watches() -> Iterator[list[Watch]]:
    started: list[Watch] = []
    yield started
    for watch in started:
        watch.process.kill()
        watch.process.wait()


@pytest.fixture
def live(redis_server: redis.Redis) -> ToldLedger:
    return ToldLedger(redis_server, live=True)


def fail_over(live: ToldLedger, notification_id: str) -> None:
    claim = live.claim(notification_id)
    at = claim.at_ms
    entries = [
        live.entry("primary_email", "server_down", reason="the server refuses connections", at=at),
        live.entry("secondary_email", "delivered", at=at),
    ]
    live.finish(claim, {0: "d"}, entries, reason="by secondary_email")


def test_with_an_id_it_shows_each_thing_once_and_ends_with_the_end(
    notify: CommandLine, live: ToldLedger, watches: list[Watch], tmp_path: Path
) -> None:
    live.accept(email(id="n"))
    live.accept(email(id="other"))
    watch = Watch(notify, tmp_path, "n")
    watches.append(watch)
    watch.shows("QUEUED")
    fail_over(live, "other")
    fail_over(live, "n")
    assert watch.ended() == 0
    said = [line.split("  ", 1)[1].strip() for line in watch.lines]
    assert said == [
        "ID=1        QUEUED     e-mail",
        *(["ID=1        SENDING    e-mail"] if len(said) == 5 else []),
        "ID=1        ✗ Primary Email: server down, the server refuses connections",
        "ID=1        ✓ Secondary Email: delivered",
        "ID=1        DELIVERED  by secondary_email",
    ]


@pytest.mark.parametrize("letter, code", [("d", 0), ("r", 1), ("x", 1)])
def test_what_is_final_already_is_shown_and_ends_at_once_with_its_exit_code(
    notify: CommandLine, told: ToldLedger, letter: str, code: int
) -> None:
    told.accept(email(id="n"))
    told.finish(told.claim("n"), {0: letter}, [], reason="so it came")
    done = notify("message", "watch", "n")
    assert done.code == code
    assert len(done.out.splitlines()) == 1
    assert done.out.rstrip().endswith("so it came")


def test_of_one_that_is_cancelled_it_tells_who_did_it_and_why(
    notify: CommandLine, live: ToldLedger, watches: list[Watch], tmp_path: Path
) -> None:
    live.accept(email(id="n"))
    watch = Watch(notify, tmp_path, "n")
    watches.append(watch)
    watch.shows("QUEUED")
    live.ledger.cancel("n", by="ann@box", why="sent by hand")
    assert watch.ended() == 1
    (line,) = watch.lines[1:]
    assert line.endswith("  CANCELLED  cancelled by ann@box: sent by hand")


def test_by_filter_it_shows_those_that_fit_until_it_is_stopped(
    notify: CommandLine, live: ToldLedger, watches: list[Watch], tmp_path: Path
) -> None:
    watch = Watch(notify, tmp_path, "--job", "payroll", "--json")
    watches.append(watch)
    wait_until(lambda: "watching" in watch.told, what="the watch")
    live.accept(email(id="no", context={"job": "Backup"}))
    live.accept(email(id="yes", context={"job": "Payroll"}))
    fail_over(live, "yes")
    watch.shows('"state": "delivered"')
    watch.process.send_signal(signal.SIGINT)
    assert watch.ended() == 130
    told = [json.loads(line) for line in watch.lines]
    assert {line["id"] for line in told} == {"yes"}
    attempts = [attempt["server"] for line in told for attempt in line["attempts"]]
    assert attempts == ["primary_email", "secondary_email"]


def test_a_watch_outlives_a_redis_that_goes_away(
    notify: CommandLine, valkey_program: str, watches: list[Watch], tmp_path: Path
) -> None:
    with running_redis(valkey_program, tmp_path) as url:
        client = connect(url)
        live = ToldLedger(client, live=True)
        live.accept(email(id="n"))
        notify.env["NOTIFY_REDIS_URL"] = url
        watch = Watch(notify, tmp_path, "n")
        watches.append(watch)
        watch.shows("QUEUED")
        pid = int(client.info("server")["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: "goes on when it does" in watch.told, what="the watch noticing")
        finally:
            os.kill(pid, signal.SIGCONT)
        fail_over(live, "n")
        assert watch.ended() == 0
        assert watch.lines[-1].endswith("DELIVERED  by secondary_email")
        client.close()


def test_an_idle_watch_asks_redis_twice_in_two_seconds_at_most(
    notify: CommandLine, live: ToldLedger, redis_server: redis.Redis, watches: list[Watch], tmp_path: Path
) -> None:
    live.accept(email(id="n"))
    watch = Watch(notify, tmp_path, "n")
    watches.append(watch)
    watch.shows("QUEUED")

    def reads() -> int:
        return int(redis_server.info("commandstats").get("cmdstat_xread", {"calls": 0})["calls"])

    wait_until(lambda: reads() >= 1, what="the watch waiting")
    redis_server.config_resetstat()
    began = float(redis_server.time()[0])
    wait_until(lambda: reads() >= 2, what="two more looks")
    assert float(redis_server.time()[0]) - began >= 1


def test_a_watcher_that_was_away_too_long_is_told(redis_server: redis.Redis, told: ToldLedger) -> None:
    told.accept(email())
    changes = Changes(redis_server)
    told.accept(email())
    assert [change.number for change in changes.read(wait_seconds=1)] == [2]
    assert changes.read(wait_seconds=0.01) == []
    assert not changes.missed_any()
    told.accept(email())
    redis_server.xtrim("notify:changes", maxlen=0)
    told.accept(email())
    assert changes.missed_any()


def test_an_id_beside_a_filter_is_refused(notify: CommandLine) -> None:
    assert notify("message", "watch", "1", "--state", "failed").code == 2
    assert notify("message", "watch", "1").code == 3
