from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.attachments.unc.share_path import InvalidSharePath, SharePath, parse

PLAIN = SharePath("files01", "Reports", ("2026", "Nov"), "job 7.log")

#: Pieces out of which paths and near-paths are made, so that most examples are close to the edge.
PIECES = st.one_of(
    st.sampled_from(["\\\\", "\\", "/", "//", "\\\\?\\UNC\\", "\\\\.\\", "C:", "@80", ":s", "..", "."]),
    st.sampled_from(["files", "Share", "D$", "IPC$", "1.2.3.4", "a b", "ü", "😀", "x.log", "NUL", "a" * 260]),
    st.sampled_from(["*", "?", " ", "\x00", "\n", "\ud800"]),
)


@pytest.mark.parametrize(
    "text",
    [
        r"\\files01\Reports\2026\Nov\job 7.log",
        "//files01/Reports/2026/Nov/job 7.log",
        r"\\FILES01\Reports/2026\Nov/job 7.log",
        r"\\?\UNC\files01\Reports\2026\Nov\job 7.log",
        r"\\?\unc\files01\Reports\2026\Nov\job 7.log",
        "//?/UNC/files01/Reports/2026/Nov/job 7.log",
    ],
)
def test_every_way_to_write_a_path_is_the_same_path(text: str) -> None:
    assert parse(text) == PLAIN
    assert str(parse(text)) == r"\\files01\Reports\2026\Nov\job 7.log"


def test_a_path_tells_its_parts() -> None:
    assert (PLAIN.root, PLAIN.inner) == (r"\\files01\Reports", r"2026\Nov\job 7.log")
    assert parse(r"\\10.1.2.3\d$\x").host == "10.1.2.3"
    assert parse(r"\\srv_1.corp.example\Übersicht\Größe 😀.txt").name == "Größe 😀.txt"
    assert parse(r"\\srv\s\console.log").name == "console.log"


@pytest.mark.parametrize(
    "text, fault",
    [
        ("", "does not begin with two backslashes"),
        ("report.txt", "does not begin with two backslashes"),
        ("/etc/passwd", "does not begin with two backslashes"),
        (r"\srv\share\x", "does not begin with two backslashes"),
        (r"C:\logs\x", "begins with a drive letter"),
        (r"\\?\C:\logs\x", "begins with a drive letter"),
        (r"\\.\C:\x", "names a device"),
        (r"\\.\UNC\srv\share\x", "names a device"),
        (r"\\?\GLOBALROOT\Device\x", "names a device"),
        (r"\??\UNC\srv\share\x", "names a device"),
        ("smb://srv/share/x", "does not begin with two backslashes"),
        (r"\\srv@8080\share\x", "has a port or a WebDAV mark"),
        (r"\\srv@SSL\DavWWWRoot\x", "has a port or a WebDAV mark"),
        (r"\\srv\DavWWWRoot\x", "names a share that is none of files"),
        (r"\\srv\IPC$\browser", "names a share that is none of files"),
        (r"\\srv\pipe\spoolss", "names a share that is none of files"),
        (r"\\srv:445\share\x", "has no name of a host"),
        (r"\\us er\share\x", "has no name of a host"),
        (r"\\-srv\share\x", "has no name of a host"),
        (r"\\srv.\share\x", "has no name of a host"),
        (r"\\[::1]\share\x", "has no name of a host"),
        (r"\\\share\x", "names no host"),
        (r"\\srv", "names no share"),
        (r"\\srv\share", "names no file"),
        (r"\\srv\share\\", "has an empty part"),
        (r"\\srv\share\dir" + "\\", "has an empty part"),
        (r"\\srv\share\a\..\b", "has the part `..`"),
        (r"\\srv\..\x", "has the part `..`"),
        (r"\\srv\share\.\b", "has the part `.`"),
        (r"\\srv\share\*.log", "has a wildcard (`*`)"),
        (r"\\srv\share\job?.log", "has a wildcard (`?`)"),
        (r"\\srv\share\x:Zone.Identifier", "has a stream or a drive letter (`:`)"),
        (r"\\srv\share\x|y", "has a character (`|`)"),
        (r"\\srv\share\x ", "ends with a blank or a dot"),
        (r"\\srv\share\x.", "ends with a blank or a dot"),
        (r"\\srv\share\NUL", "the name of a device"),
        (r"\\srv\share\com1.log", "the name of a device"),
        ("\\\\srv\\share\\x\x00.txt", "has a control character at position 14"),
        ("\\\\srv\\share\\x\n", "has a control character at position 14"),
        ("\\\\srv\\share\\" + "a" * 256, "has a name of more than 255 characters"),
        ("\\\\srv\\share\\" + "😀" * 128, "has a name of more than 255 characters"),
        ("\\\\srv\\share\\" + "a\\" * 2000, "has 4012 characters"),
    ],
)
def test_what_is_no_path_of_a_file_is_refused_with_field_fault_and_what_is_allowed(
    text: str, fault: str
) -> None:
    with pytest.raises(InvalidSharePath) as caught:
        parse(text)
    assert fault in caught.value.fault
    assert str(caught.value).startswith(f"path: {caught.value.fault}; allowed: \\\\server\\share")


@given(st.one_of(st.text(), st.lists(PIECES, max_size=8).map("".join)))
@example("\\\\?\\UNC\\\\\\?\\UNC\\h\\s\\f")
def test_whatever_is_taken_is_harmless_and_reads_back_as_itself(text: str) -> None:
    try:
        path = parse(text)
    except InvalidSharePath:
        return
    parts = [path.host, path.share, *path.folders, path.name]
    assert re.fullmatch(r"[a-z0-9_.-]{1,253}", path.host)
    assert not any(character in part for part in parts for character in '\\/:*?"<>|\x00')
    assert not {"", ".", ".."}.intersection(parts)
    assert parse(str(path)) == path
    assert parse(str(path).replace("\\", "/")) == path
    assert parse("\\\\?\\UNC" + str(path)[1:]) == path


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1), max_size=4))
def test_no_part_of_a_path_can_pass_for_two(names: list[str]) -> None:
    try:
        path = parse("\\".join(["", "", "srv", "share", *names]))
    except InvalidSharePath:
        return
    assert [*path.folders, path.name] == [part for name in names for part in re.split(r"[\\/]", name)]
