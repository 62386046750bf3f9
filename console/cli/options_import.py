"""`notify options import`: an export of ours, or values out of OpCon, as one revision."""

from __future__ import annotations

import sys

import click

from console.cli.author import author
from console.cli.cell_text import shown
from console.cli.errors import BadInput, NothingMatched
from console.cli.flags import as_json, dry_run
from console.cli.options_store import (
    checked_reason,
    expected_flag,
    open_store,
    reason_flag,
    show_change,
    with_pauses_left,
)
from console.cli.output import say_json, tell, warn
from console.presenting import options_json
from settings_store.catalog import ALL_OPTIONS
from settings_store.transfer.file import FILE_MAXIMUM_BYTES, read_options
from settings_store.transfer.reading import Reading

#: A name that means nothing here is told as far as this.
_NAME_MAXIMUM_CHARACTERS = 80

_FORMS = """\b
FILE may be, or - for a pipe:
  what `notify options export` printed
  JSON       {"SMTP Server Name (Primary Email)": "mail.example.com", ...}
  CSV, TSV   Option Parameter,Value
             SMTP Server Port (Primary Email),587

Names are those of OpCon's pages, keys of its table OPCON_CONFIG, or ours. A value that is not allowed here is
never bent until it fits; a password that OpCon encrypted has to be entered anew.
"""


@click.command("import", epilog=_FORMS)
@click.argument("file", metavar="FILE")
@reason_flag
@expected_flag
@dry_run
@as_json
def import_options(
    *, file: str, reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Take options over from a file, all of them or none, as one revision. Try it with --dry-run."""
    why = checked_reason(reason, dry_run=dry_run)
    content = _content(file)
    store = open_store()
    reading = read_options(content, store.snapshot())
    if reading.means_nothing:
        raise NothingMatched(
            f"{'stdin' if file == '-' else file}: names no option",
            "`notify options import --help` shows what it may be",
        )
    if any(ALL_OPTIONS[key].secret for key in reading.values):
        store = open_store(with_keys=True)
    change = store.change(
        reading.values,
        author=author(),
        reason=why,
        expected_revision=expected,
        dry_run=dry_run,
        action="options.import",
    )
    change = with_pauses_left(store, change)
    if as_json:
        say_json({**options_json.change(change), **options_json.reading(reading)})
        return
    show_change(change, as_json=False)
    _tell_notes(reading)


def _content(name: str) -> bytes:
    """The file, or what is piped in; of too much, one byte more than is allowed."""
    if name == "-":
        if sys.stdin.isatty():
            raise BadInput("nothing is piped in", "`notify options import - < FILE`")
        return sys.stdin.buffer.read(FILE_MAXIMUM_BYTES + 1)
    try:
        with open(name, "rb") as file:  # noqa: PTH123  # a Path would turn "" into the current folder
            return file.read(FILE_MAXIMUM_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no file name"
        raise BadInput(f"{name or 'FILE'}: {why}", "name a file that you may read, or - for a pipe") from None


def _tell_notes(reading: Reading) -> None:
    """First what can be done something about, then the names that mean nothing here."""
    unknown = [note for note in reading.notes if note.topic == "unknown"]
    for note in reading.notes:
        if note not in unknown:
            warn(f"{note.name}: {note.text}")
    if unknown:
        names = "1 name is" if len(unknown) == 1 else f"{len(unknown)} names are"
        warn(f"{names} no option of ours, and left out:")
        for note in unknown:
            tell(f"  {shown(note.name[:_NAME_MAXIMUM_CHARACTERS])}")
