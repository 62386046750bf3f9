"""`notify encrypt` and `notify keys`: seal a password for pasting, and make the keys for it."""

from __future__ import annotations

from pathlib import Path

import click

from console.cli.context import environment
from console.cli.errors import BadInput
from console.cli.flags import as_json
from console.cli.output import say, say_json, tell
from console.cli.typed_secret import from_stdin
from settings_store.cipher import Cipher
from settings_store.keyring import generate, load

_EXAMPLES = """\b
Example:
  notify encrypt
  notify options set primary_sms.authentication_password=enc:... --reason TEXT
"""


@click.command("encrypt", epilog=_EXAMPLES)
@click.argument("anything", nargs=-1, metavar="")
@as_json
def encrypt(*, anything: tuple[str, ...], as_json: bool) -> None:
    """Seal a password, from a hidden prompt or a pipe, and print it for pasting into a secret option."""
    if anything:
        raise BadInput(
            "a secret is never an argument, where other users of this machine can read it",
            "`notify encrypt` asks for it, or pipe it: `notify encrypt < FILE`",
        )
    found = environment()
    sealed = Cipher(load(found.key_files), found.prefix).seal_for_pasting(from_stdin("Secret"))
    if as_json:
        say_json({"encrypted": sealed})
    else:
        say(sealed)


@click.group("keys", no_args_is_help=True)
def keys() -> None:
    """The keys that seal secrets: files of their own, never in Redis."""


@keys.command("generate")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def generate_keys(*, file: Path, as_json: bool) -> None:
    """Write a new key file, readable by its owner alone. It never overwrites one."""
    ring = generate(file)
    if as_json:
        say_json({"file": str(file.absolute()), "primary": ring.primary})
    else:
        say(str(file.absolute()))
    tell(f"name it for every worker and command: NOTIFY_KEY_FILE={file.absolute()}")
    tell("back it up apart from Redis: a lost key file takes every secret with it")
