"""Which files of the workers' own machines may go along with a mail."""

from __future__ import annotations

from settings_store.folder_list import FolderList
from settings_store.option import Option

TITLE = "Local files"

OPTIONS: tuple[Option, ...] = (
    Option(
        "local_files.folders",
        "Allowed folders",
        FolderList(),
        "",
        "Folders of the worker's machine whose files a notification may attach by their path, with all "
        "that is below them; a link may not lead out of them. Several are separated by ;. Files are read as "
        "the worker's user. Whoever may publish can read every file there: name no folder with secrets. "
        "Blank: none.",
    ),
)
