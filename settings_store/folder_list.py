"""The kind of option that lists folders of the worker's machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from settings_store.kinds import TEXT_MAXIMUM_CHARACTERS, Refused, check_text

_SEPARATOR = ";"


def folders_of(value: str) -> tuple[str, ...]:
    """The folders that a value lists, as they are stored."""
    return tuple(part for part in value.split(_SEPARATOR) if part)


@dataclass(frozen=True, slots=True)
class FolderList:
    """Absolute folders, separated by `;`; stored without blanks around them or a slash at the end."""

    @property
    def valid(self) -> str:
        """The form."""
        return f"absolute folders separated by {_SEPARATOR}"

    @property
    def allowed(self) -> str:
        """The form, with what a folder may not be."""
        return (
            f"absolute folders separated by {_SEPARATOR}, none of them / and none with .. in it, together "
            f"\N{LESS-THAN OR EQUAL TO} {TEXT_MAXIMUM_CHARACTERS} characters; blank allows none"
        )

    def parse(self, raw: object) -> str:
        """Take a list of folders; blank is allowed."""
        text = check_text(raw, maximum_characters=TEXT_MAXIMUM_CHARACTERS)
        folders = [_folder(part.strip()) for part in text.split(_SEPARATOR) if part.strip()]
        return _SEPARATOR.join(dict.fromkeys(folders))


def _folder(text: str) -> str:
    if not text.startswith("/") or text.startswith("//"):
        raise Refused("has a folder that is not absolute")
    folder = PurePosixPath(text)
    if ".." in folder.parts:
        raise Refused("has a folder with .. in it")
    if folder == PurePosixPath("/"):
        raise Refused("has the folder /, which is the whole machine")
    return str(folder)
