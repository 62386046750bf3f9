from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.attachments.file_names import NAME_MAX_BYTES, numbered, safe_name


@pytest.mark.parametrize(
    "name, safe",
    [
        ("f.log", "f.log"),
        (r"\\srv\share\dir\f.log", "f.log"),
        ("/var/log/f.log", "f.log"),
        (r"a/b\c/d.txt", "d.txt"),
        ("..", "attachment"),
        ("", "attachment"),
        ("dir/", "attachment"),
        (" . ", "attachment"),
        (".env", ".env"),
        ("f.log. ", "f.log"),
        ("ü Straße.log", "ü Straße.log"),
        ("報告.txt", "報告.txt"),
        ("a\r\nX: 1.txt", "aX: 1.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("\ufefff.log", "f.log"),
        ("n" * 300 + ".log", "n" * 251 + ".log"),
        ("ü" * 300 + ".log", "ü" * 125 + ".log"),
        ("x." + "y" * 400, "x." + "y" * 253),
    ],
)
def test_a_name_has_no_folder_no_trick_and_fits_a_file_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=400))
def test_every_name_becomes_one_that_a_mail_can_carry_and_stays_so(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe == safe_name(safe)
    assert len(safe.encode()) <= NAME_MAX_BYTES
    assert not set(safe) & set("/\\")
    assert not {unicodedata.category(each) for each in safe} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_repeated_file_names_are_numbered() -> None:
    given_names = ["f.txt", "F.txt", "f (2).txt", "f.txt", "x", "x", ".env", ".env"]
    assert numbered(given_names) == [
        "f.txt", "F (3).txt", "f (2).txt", "f (4).txt", "x", "x (2)", ".env", ".env (2)",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(["a.b", "A.b", "a (2).b", "a (3).b", "c", "C (2)"])))
def test_numbered_names_differ(names: list[str]) -> None:
    result = numbered(names)
    assert len({name.casefold() for name in result}) == len(names)


def test_a_numbered_name_fits_a_file_system_too() -> None:
    names = numbered(["ü" * 125 + ".txt"] * 12)
    assert names[11] == "ü" * 123 + " (12).txt"
    assert len(set(names)) == len(names)
    assert max(len(name.encode()) for name in names) <= NAME_MAX_BYTES
