"""Secrets that a person gives: from a hidden prompt, a pipe or a file, never from the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from console.cli.errors import BadInput

#: Far above what an option takes; it only keeps a wrong file out of memory.
SECRET_MAXIMUM_BYTES = 64 * 1024


def from_stdin(what: str) -> str:
    """A secret from a hidden prompt where a person types, else everything that is piped in.

    Raises:
        BadInput: Nothing came, or it is no text.
    """
    if sys.stdin.isatty():
        typed: str = click.prompt(what, hide_input=True, confirmation_prompt="again", err=True)
        return typed
    return _text(sys.stdin.buffer.read(SECRET_MAXIMUM_BYTES + 1), "stdin")


def from_file(name: str) -> str:
    """A secret from a file.

    Raises:
        BadInput: The file cannot be read, is empty, or is no text.
    """
    try:
        # Not blocking: a pipe that nobody writes to must not keep us here.
        descriptor = os.open(Path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # Path cannot open a descriptor
            content = file.read(SECRET_MAXIMUM_BYTES + 1) or b""
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}", "name a file that holds the secret and no more") from None
    return _text(content, name)


def _text(content: bytes, source: str) -> str:
    if len(content) > SECRET_MAXIMUM_BYTES:
        raise BadInput(f"{source}: is too long for a secret")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    if text is None:  # raised out here, so that no link leads to the bytes
        raise BadInput(f"{source}: is not text in UTF-8")
    # `echo` and editors end a file with a line end that is no part of the secret.
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise BadInput(f"{source}: is empty", "a blank value clears a secret: KEY= without anything after it")
    return secret
