r"""The paths of files on network shares: our own grammar, because an SMB library takes too much for one.

    path   = root host "\" share "\" *( folder "\" ) file
    root   = "\\" / "\\?\UNC\"
    host   = a name as DNS or NetBIOS has it, or an IPv4 address

A slash counts as a backslash. Refused are drive letters, devices, streams (`file:stream`), wildcards, `.` and
`..`, ports and WebDAV marks (`host@80`), empty parts, and what Windows allows in no name. Source: [MS-DTYP]
2.2.57, and the naming rules of the Windows file systems.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from settings_store.host_list import is_host, is_share

PATH_MAXIMUM_CHARACTERS: Final = 4000
#: Of a folder or file name, in UTF-16 code units.
NAME_MAXIMUM_UNITS: Final = 255
ALLOWED: Final = r"\\server\share\folder\file, at most 4,000 characters, without wildcards, `..`, `:` or `@`"

#: Pipes are no files, and these names are what clients reach them and WebDAV by.
_NO_SHARES: Final = frozenset({"ipc$", "pipe", "mailslot", "davwwwroot"})
_DRIVE: Final = re.compile(r"(\\\\\?\\)?[A-Za-z]:")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE)
_UNSPEAKABLE: Final = frozenset({"Cc", "Zl", "Zp", "Cs"})


class InvalidSharePath(ValueError):
    """A text is no path of a file on a network share.

    Attributes:
        fault: What is wrong with it, without the text.
        allowed: What would be right.
    """

    field: Final = "path"
    allowed: Final = ALLOWED

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.field}: {self.fault}; allowed: {self.allowed}"


@dataclass(frozen=True, slots=True)
class SharePath:
    r"""A file on a network share.

    Attributes:
        host: Lower case.
        share: As given.
        folders: From the share down, as given.
        name: The file's.
    """

    host: str
    share: str
    folders: tuple[str, ...]
    name: str

    @property
    def inner(self) -> str:
        """The way from the share to the file."""
        return "\\".join((*self.folders, self.name))

    @property
    def root(self) -> str:
        r"""The share: `\\host\share`."""
        return rf"\\{self.host}\{self.share}"

    def __str__(self) -> str:
        return rf"{self.root}\{self.inner}"


def parse(text: str) -> SharePath:
    """Read a path.

    Raises:
        InvalidSharePath: It is none.
    """
    if len(text) > PATH_MAXIMUM_CHARACTERS:
        raise InvalidSharePath(f"has {len(text)} characters")
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in _UNSPEAKABLE:
            raise InvalidSharePath(f"has a control character at position {position}")
    parts = _below_root(text.replace("/", "\\")).split("\\")
    if len(parts) < 3:  # noqa: PLR2004  # host, share, file
        raise InvalidSharePath(f"names no {('host', 'share', 'file')[min(len([p for p in parts if p]), 2)]}")
    return made_of(parts)


def made_of(parts: Sequence[str]) -> SharePath:
    """A path of its parts: host, share, folders and file.

    Raises:
        InvalidSharePath: One of them may not be there.
    """
    host, share, *inner = parts
    if "@" in host:
        raise InvalidSharePath("has a port or a WebDAV mark (`@`) behind the host")
    if not is_host(host):
        raise InvalidSharePath(
            "has no name of a host behind its two backslashes" if host else "names no host"
        )
    for part in parts[1:]:
        _check(part)
    if not is_share(share) or share.lower() in _NO_SHARES:
        raise InvalidSharePath("names a share that is none of files")
    return SharePath(host.lower(), share, tuple(inner[:-1]), inner[-1])


def _below_root(path: str) -> str:
    if _DRIVE.match(path):
        raise InvalidSharePath("begins with a drive letter")
    if path[:8].upper() == "\\\\?\\UNC\\":
        return path[8:]
    if path.startswith(("\\\\?\\", "\\\\.\\", "\\??\\")):
        raise InvalidSharePath("names a device")
    if not path.startswith("\\\\"):
        raise InvalidSharePath("does not begin with two backslashes and a host")
    return path[2:]


def _check(part: str) -> None:
    """Refuse what no server takes for a name, or takes for something else than a name."""
    if part in {"", ".", ".."}:
        raise InvalidSharePath(f"has the part `{part}`" if part else "has an empty part")
    for refused, what in (("*?", "a wildcard"), (":", "a stream or a drive letter"), ('"<>|', "a character")):
        if found := next((character for character in part if character in refused), ""):
            raise InvalidSharePath(f"has {what} (`{found}`) in a name")
    if part[-1] in " .":
        raise InvalidSharePath("has a name that ends with a blank or a dot")
    if _DEVICE.fullmatch(part):
        raise InvalidSharePath("has the name of a device for a part")
    if len(part.encode("utf-16-le")) // 2 > NAME_MAXIMUM_UNITS:
        raise InvalidSharePath(f"has a name of more than {NAME_MAXIMUM_UNITS} characters")
