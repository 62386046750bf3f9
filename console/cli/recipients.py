"""Recipients as people give them: addresses, several in one word, or `@FILE` with one or more a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.cli.errors import BadInput
from console.cli.piped import as_text, file_bytes
from tasks.addresses import InvalidAddress, parse_address, split_addresses
from tasks.notification_faults import ONE_ADDRESS

_FROM_FILE = "@"
_COMMENT = "#"
_SEPARATORS = ";,"


def recipients(flag: str, given: Iterable[str]) -> str:
    """The addresses in one string, those of files put in where the file stands.

    Args:
        flag: For the errors.
        given: Words; one that begins with @ names a file in UTF-8 with addresses by line, or parted by ; or ,
            in which blank lines and what follows a # are left out.

    Raises:
        BadInput: A file cannot be read, holds no address, or a line of it holds something else.
    """
    return ";".join(part for word in given for part in _of_word(flag, word))


def _of_word(flag: str, word: str) -> Iterable[str]:
    if not word.startswith(_FROM_FILE):
        return (word,)
    name = word.removeprefix(_FROM_FILE)
    text = as_text(file_bytes(flag, name), name)
    found = [
        address
        for number, line in enumerate(text.splitlines(), start=1)
        for address in _of_line(f"{flag} {word}: line {number}", line)
    ]
    if not found:
        raise BadInput(f"{flag} {word}: holds no address", "one address a line, or several parted by ;")
    return found


def _of_line(where: str, line: str) -> Iterator[str]:
    for part in split_addresses(line.partition(_COMMENT)[0], _SEPARATORS):
        try:
            yield parse_address(part)
        except InvalidAddress as fault:
            raise BadInput(f"{where} {fault}", f"allowed: {ONE_ADDRESS}") from None
