from __future__ import annotations

import pytest

from settings_store.folder_list import FolderList, folders_of
from settings_store.kinds import Refused


@pytest.mark.parametrize(
    "given, stored",
    [
        ("", ""),
        (" ; ", ""),
        ("/var/log", "/var/log"),
        (" /var/log/ ;/srv//out/./x; /var/log", "/var/log;/srv/out/x"),
        ("/with blank/ü", "/with blank/ü"),
    ],
)
def test_folders_are_stored_in_one_form(given: str, stored: str) -> None:
    assert FolderList().parse(given) == stored
    assert ";".join(folders_of(stored)) == stored


@pytest.mark.parametrize(
    "given, fault",
    [
        ("var/log", "is not absolute"),
        ("/a;b", "is not absolute"),
        (r"\\srv\share", "is not absolute"),
        ("//srv/share", "is not absolute"),
        ("/a/../b", "has a folder with"),
        ("/", "the folder /"),
        ("/./", "the folder /"),
        ("/a\n", "control character"),
        (7, "is not text"),
        ("/" + "a" * 4_000, "has 4001 characters"),
    ],
)
def test_what_is_no_list_of_folders_is_refused(given: object, fault: str) -> None:
    with pytest.raises(Refused, match=fault):
        FolderList().parse(given)
