"""Which files of the worker's machine may be read, and what is said of the others."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from settings_store.snapshot import Snapshot
from tasks.attachments.local_files import LocalFiles
from tasks.attachments.source import BLOCK_BYTES, AttachmentFault, Fault, OpenFile


def options(*folders: Path | str) -> Snapshot:
    return Snapshot(stored={"local_files.folders": ";".join(map(str, folders))})


def opened(path: Path | str, *folders: Path | str) -> OpenFile:
    return LocalFiles().open(str(path), options(*folders), seconds=60)


def refusal(path: Path | str, *folders: Path | str) -> AttachmentFault:
    with pytest.raises(AttachmentFault) as caught:
        opened(path, *folders)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def content(file: OpenFile) -> bytes:
    try:
        return b"".join(file.blocks())
    finally:
        file.close()


def test_a_file_below_an_allowed_folder_is_read_whole_and_may_be_read_again(folder: Path) -> None:
    deep = folder / "2026" / "ü 7.log"
    deep.parent.mkdir()
    deep.write_bytes(b"x" * (BLOCK_BYTES + 5))
    file = opened(deep, "/nowhere", folder)
    assert (file.name, file.size_bytes) == ("ü 7.log", BLOCK_BYTES + 5)
    assert [len(block) for block in file.blocks()] == [BLOCK_BYTES, 5]
    assert content(file) == deep.read_bytes()
    file.close()


def test_a_file_that_grows_is_cut_at_the_size_it_was_opened_with(folder: Path) -> None:
    path = folder / "f.log"
    path.write_bytes(b"one")
    file = opened(path, folder)
    with path.open("ab") as more:
        more.write(b" two")
    assert content(file) == b"one"


def test_a_file_that_becomes_shorter_is_a_fault(folder: Path) -> None:
    path = folder / "f.log"
    path.write_bytes(b"12345")
    file = opened(path, folder)
    path.write_bytes(b"1")
    with pytest.raises(AttachmentFault) as caught:
        content(file)
    assert caught.value.kind is Fault.CHANGED


def test_without_an_allowed_folder_nothing_is_read_and_the_words_name_the_command(folder: Path) -> None:
    (folder / "f").write_bytes(b"x")
    fault = refusal(folder / "f")
    assert fault.kind is Fault.NOT_ALLOWED
    assert "notify options set local_files.folders=" in fault.words


def link(where: Path, to: Path | str) -> Path:
    where.symlink_to(to)
    return where


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: folder.parent / "elsewhere" / "secret.txt",
        lambda folder: f"{folder}/../elsewhere/secret.txt",
        lambda folder: f"{folder}/x/../../elsewhere/secret.txt",
        lambda folder: link(folder / "link", folder.parent / "elsewhere" / "secret.txt"),
        lambda folder: link(folder / "link", "../elsewhere/secret.txt"),
        lambda folder: link(folder / "dir", folder.parent / "elsewhere") / "secret.txt",
        lambda folder: f"{folder}-more/secret.txt",
        lambda folder: folder,
        lambda folder: f"{folder}/",
        lambda _: "allowed/f",
        lambda _: r"C:\\f",
        lambda _: "/etc/passwd",
        lambda folder: f"//{str(folder)[1:]}/../elsewhere/secret.txt",
    ],
)
def test_no_path_and_no_link_leads_out_of_the_allowed_folders(
    folder: Path, make: Callable[[Path], Path | str]
) -> None:
    (folder.parent / "allowed-more").mkdir()
    (folder.parent / "allowed-more" / "secret.txt").write_bytes(b"SECRET")
    (folder / "x").mkdir()
    assert refusal(make(folder), folder).kind is Fault.NOT_ALLOWED


def test_a_link_inside_and_an_allowed_folder_that_is_a_link_are_followed(folder: Path) -> None:
    (folder / "run-7.log").write_bytes(b"seven")
    link(folder / "latest.log", "run-7.log")
    alias = link(folder.parent / "alias", folder)
    file = opened(alias / "latest.log", alias)
    assert file.name == "latest.log"
    assert content(file) == b"seven"


def test_a_link_that_is_put_in_after_the_look_is_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub").mkdir()
    path = folder / "sub" / "secret.txt"
    path.write_bytes(b"harmless")
    resolve = os.path.realpath

    def swapped(asked: str) -> str:
        found = resolve(asked)
        if asked == str(path):
            path.unlink()
            path.parent.rmdir()
            link(folder / "sub", folder.parent / "elsewhere")
        return found

    monkeypatch.setattr("tasks.attachments.local_files.os.path.realpath", swapped)
    assert refusal(path, folder).kind in {Fault.NOT_ALLOWED, Fault.MISSING}


def test_a_folder_that_goes_while_links_are_resolved_is_missing_and_no_path_is_quoted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: str) -> str:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    monkeypatch.setattr("tasks.attachments.local_files.os.path.realpath", gone)
    fault = refusal(folder / "f.log", folder)
    assert (fault.kind, str(folder) in fault.words) == (Fault.MISSING, False)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{short}/s")
        Path(f"{short}/s").rename(path)


@pytest.mark.parametrize("make", [make_pipe, make_socket, Path.mkdir])
def test_only_regular_files_are_read_and_a_pipe_keeps_nobody_waiting(
    folder: Path, make: Callable[[Path], object]
) -> None:
    try:
        make(folder / "odd")
    except OSError as error:
        if error.errno == errno.EXDEV:
            pytest.skip("folders for tests are on different file systems")
        raise
    assert refusal(folder / "odd", folder).kind is Fault.NOT_ALLOWED


def test_what_is_not_there_is_missing(folder: Path) -> None:
    (folder / "f").write_bytes(b"")
    for path in (folder / "no.log", folder / "no" / "f.log", folder / "f" / "g", folder / ("n" * 300)):
        fault = refusal(path, folder)
        assert fault.kind is Fault.MISSING
        assert str(folder) not in fault.words


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Run as a user to whom nothing belongs, where these tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_what_the_workers_user_may_not_read_is_denied() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        path = root / "f.log"
        path.write_bytes(b"x")
        with as_nobody():
            opened(path, root).close()
        path.chmod(0)
        with as_nobody():
            fault = refusal(path, root)
        path.chmod(0o600)
    assert (fault.kind, fault.words) == (Fault.DENIED, "the worker's user may not read it")


def test_nothing_stays_open(folder: Path) -> None:
    (folder / "f").write_bytes(b"x")
    (folder / "d").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("f", "d", "no"):
        try:
            opened(folder / name, folder).close()
        except AttachmentFault:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def descriptors_below(folder: Path) -> int:
    """How many files of a folder this process has open."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += link.readlink().is_relative_to(folder.resolve())
    return found


def test_of_hundreds_of_files_only_so_many_are_held_open_and_all_are_read(folder: Path) -> None:
    files = LocalFiles(held_maximum=8)
    for number in range(300):
        (folder / f"{number}.log").write_text(f"content {number}")
    given = [files.open(str(folder / f"{n}.log"), options(folder), seconds=60) for n in range(300)]
    assert descriptors_below(folder) == 8
    assert [b"".join(file.blocks()).decode() for file in given] == [f"content {n}" for n in range(300)]
    assert descriptors_below(folder) == 8
    for file in given:
        file.close()
        file.close()
    assert descriptors_below(folder) == 0
    # What was given back is room for others.
    again = [files.open(str(folder / f"{n}.log"), options(folder), seconds=60) for n in range(10)]
    assert descriptors_below(folder) == 8
    for file in again:
        file.close()


def test_a_file_that_is_not_held_and_was_replaced_is_not_sent_for_the_other(folder: Path) -> None:
    path = folder / "f.log"
    path.write_text("old content")
    file = LocalFiles(held_maximum=0).open(str(path), options(folder), seconds=60)
    (folder / "new").write_text("new content")
    (folder / "new").rename(path)
    with pytest.raises(AttachmentFault, match="another file took its place") as caught:
        list(file.blocks())
    assert (caught.value.kind, caught.value.is_passing) == (Fault.CHANGED, True)
    path.unlink()
    with pytest.raises(AttachmentFault, match="there is no such file"):
        list(file.blocks())
    file.close()
    with pytest.raises(ValueError, match="closed"):
        list(file.blocks())
    assert descriptors_below(folder) == 0


def test_a_file_that_is_closed_in_the_middle_is_read_no_further(folder: Path) -> None:
    path = folder / "f.log"
    path.write_bytes(b"x" * (2 * BLOCK_BYTES))
    for held_maximum in (0, 1):
        file = LocalFiles(held_maximum=held_maximum).open(str(path), options(folder), seconds=60)
        blocks = file.blocks()
        next(blocks)
        file.close()
        with pytest.raises(ValueError, match="closed"):
            next(blocks)
    assert descriptors_below(folder) == 0
