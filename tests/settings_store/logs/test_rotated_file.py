from __future__ import annotations

import fcntl
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from settings_store.logs.event_log import Event
from settings_store.logs.file_writer import FileWriter
from settings_store.logs.rotated_file import RotatedFile

WAIT_SECONDS = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notify.log"


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir() if not each.name.endswith(".lock"))


def everything(path: Path) -> list[bytes]:
    return [line for name in names(path) for line in (path.parent / name).read_bytes().splitlines()]


def test_a_full_file_is_put_aside_and_the_oldest_of_those_kept_is_deleted(path: Path) -> None:
    file = RotatedFile(path, maximum_bytes=30, kept=2)
    for number in range(8):
        file.append(b"line number %d\n" % number)
    assert names(path) == ["notify.log", "notify.log.1", "notify.log.2"]
    assert path.read_bytes() == b"line number 6\nline number 7\n"
    assert path.with_name("notify.log.2").read_bytes() == b"line number 2\nline number 3\n"


def test_size_and_number_may_change_at_any_time(path: Path) -> None:
    file = RotatedFile(path, maximum_bytes=10, kept=5)
    for number in range(7):
        file.append(b"line %d\n" % number)
    assert len(names(path)) == 6
    file.kept, file.maximum_bytes = 2, 1000
    file.append(b"x" * 999 + b"\n")
    file.append(b"last\n")
    assert names(path) == ["notify.log", "notify.log.1", "notify.log.2"]
    assert path.read_bytes() == b"last\n"


def test_its_owner_alone_may_read_it(path: Path) -> None:
    RotatedFile(path, maximum_bytes=10, kept=1).append(b"x\n")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_is_larger_than_a_file_is_written_all_the_same(path: Path) -> None:
    file = RotatedFile(path, maximum_bytes=10, kept=1)
    file.append(b"y" * 100 + b"\n")
    assert path.read_bytes() == b"y" * 100 + b"\n"
    assert names(path) == ["notify.log"]


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_file_that_somebody_else_takes_away_is_begun_anew(path: Path, how: str) -> None:
    file = RotatedFile(path, maximum_bytes=1000, kept=1)
    file.append(b"before\n")
    if how == "moved":
        path.rename(path.with_name("elsewhere"))
    else:
        path.unlink()
    file.append(b"after\n")
    assert path.read_bytes() == b"after\n"


def test_a_descriptor_that_somebody_closed_is_opened_anew(path: Path) -> None:
    file = RotatedFile(path, maximum_bytes=1000, kept=1)
    file.append(b"before\n")
    assert file._descriptor is not None
    os.close(file._descriptor)
    file.append(b"after\n")
    assert path.read_bytes() == b"before\nafter\n"


def test_a_descriptor_whose_number_went_to_another_is_left_to_that_one(path: Path) -> None:
    file = RotatedFile(path, maximum_bytes=1000, kept=1)
    file.append(b"before\n")
    assert file._descriptor is not None
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.dup2(writer, file._descriptor)
    others = file._descriptor
    file.append(b"after\n")
    assert path.read_bytes() == b"before\nafter\n"
    os.write(others, b"still open")
    assert os.read(reader, 100) == b"still open"
    for each in (reader, writer, others):
        os.close(each)
    file.close()


def test_another_who_hangs_while_putting_it_aside_is_not_waited_for(path: Path) -> None:
    file = RotatedFile(path, maximum_bytes=10, kept=1)
    file.append(b"12345678\n")
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file.append(b"more\n")
    assert path.read_bytes() == b"12345678\nmore\n"
    file.append(b"later\n")
    assert path.read_bytes() == b"later\n"


def test_a_name_that_leads_to_a_file_elsewhere_puts_that_file_aside(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "notify.log"
    link.symlink_to(tmp_path / "real" / "notify.log")
    file = RotatedFile(link, maximum_bytes=10, kept=1)
    file.append(b"12345678\n")
    file.append(b"more\n")
    assert link.is_symlink()
    assert names(tmp_path / "real" / "x") == ["notify.log", "notify.log.1"]


def test_what_is_no_file_is_written_to_and_never_put_aside(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    file = RotatedFile(pipe, maximum_bytes=5, kept=1)
    for _ in range(3):
        file.append(b"12345\n")
    assert os.read(reader, 100) == b"12345\n" * 3
    assert pipe.is_fifo()
    os.close(reader)


def _write_many(path: Path, who: int) -> None:
    file = RotatedFile(path, maximum_bytes=6_000, kept=100)
    for number in range(300):
        file.append(b"%d %04d %s\n" % (who, number, b"x" * 50))


def test_processes_that_share_it_lose_no_line_and_tear_none(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(path, who)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(WAIT_SECONDS)
        assert writer.exitcode == 0
    lines = everything(path)
    assert len(lines) == 900
    assert {tuple(line.split()[:2]) for line in lines} == {
        (b"%d" % who, b"%04d" % number) for who in range(3) for number in range(300)
    }
    assert len(names(path)) > 5


class HangingFile(RotatedFile):
    """A disk that hangs until it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maximum_bytes=10**9, kept=1)
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def append(self, lines: bytes) -> None:
        self.reached.set()
        assert self.go_on.wait(WAIT_SECONDS)
        super().append(lines)


def test_a_disk_that_hangs_keeps_nobody_and_what_is_too_much_is_counted(path: Path) -> None:
    told: list[Event] = []
    file = HangingFile(path)
    writer = FileWriter(file, tell=told.append, waiting_maximum=3)
    writer.put("first")
    assert file.reached.wait(WAIT_SECONDS)
    for number in range(10):
        writer.put(f"line {number}")
    assert not writer.flush(0.01)
    file.go_on.set()
    assert writer.flush(WAIT_SECONDS)
    assert path.read_text().splitlines() == ["first", "line 0", "line 1", "line 2"]
    assert [(each.name, each.fields["lost"]) for each in told] == [("log_file_written_again", 7)]


def test_a_disk_that_is_full_is_told_once_and_once_when_it_is_over(tmp_path: Path) -> None:
    told: list[Event] = []
    folder = tmp_path / "away"
    writer = FileWriter(RotatedFile(folder / "f.log", maximum_bytes=1000, kept=1), tell=told.append)
    for _ in range(5):
        writer.put("lost")
        assert writer.flush(WAIT_SECONDS)
    assert [each.name for each in told] == ["log_file_not_written"]
    assert told[0].fields["reason"] == "no such file or directory"
    folder.mkdir()
    writer.put("kept")
    assert writer.flush(WAIT_SECONDS)
    assert (folder / "f.log").read_text() == "kept\n"
    assert [(each.name, each.fields.get("lost")) for each in told[1:]] == [("log_file_written_again", 5)]


def test_a_device_without_room_says_so() -> None:
    told: list[Event] = []
    writer = FileWriter(RotatedFile(Path("/dev/full"), maximum_bytes=1000, kept=1), tell=told.append)
    for _ in range(3):
        writer.put("lost")
        assert writer.flush(WAIT_SECONDS)
    assert [each.fields["reason"] for each in told] == ["no space left on device"]


def test_a_line_that_was_cut_off_is_ended_before_the_next_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RotatedFile(path, maximum_bytes=1000, kept=1)
    real = os.write
    cut = iter([3])

    def write(descriptor: int, data: bytes) -> int:
        room = next(cut, None)
        if room is None and path.stat().st_size == 3:
            cut_off.append(True)
            monkeypatch.setattr(os, "write", real)
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:room])

    cut_off: list[bool] = []
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        file.append(b"abcdef\n")
    file.append(b"whole\n")
    assert cut_off
    assert path.read_bytes() == b"abc\nwhole\n"


def test_a_child_writes_by_a_thread_of_its_own(path: Path) -> None:
    writer = FileWriter(RotatedFile(path, maximum_bytes=1000, kept=1), tell=lambda _: None)
    writer.put("parent")
    assert writer.flush(WAIT_SECONDS)
    child = os.fork()
    if child == 0:
        writer.put("child")
        os._exit(0 if writer.flush(WAIT_SECONDS) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    writer.put("parent again")
    assert writer.flush(WAIT_SECONDS)
    assert path.read_text().splitlines() == ["parent", "child", "parent again"]
