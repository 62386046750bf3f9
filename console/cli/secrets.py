"""`notify encrypt`: seal a password for pasting."""

from __future__ import annotations

import click

from console.cli.context import environment
from console.cli.errors import BadInput
from console.cli.flags import as_json
from console.cli.output import say, say_json
from console.cli.typed_secret import from_stdin
from settings_store.cipher import Cipher
from settings_store.keyring import load

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
