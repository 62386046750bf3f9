"""`notify options`: look at the options and change them, a whole revision at a time."""

from __future__ import annotations

import click

from console.cli.lazy_group import Lazy, LazyGroup

_COMMANDS = {
    "list": Lazy("console.cli.options_look", "list_options", "every option, its value, who set it when"),
    "get": Lazy("console.cli.options_look", "get", "the value of options, or of a group"),
    "set": Lazy("console.cli.options_change", "set_options", "set options, all of them or none"),
    "reset": Lazy("console.cli.options_change", "reset", "set options, groups or all to their defaults"),
    "history": Lazy("console.cli.options_look", "history", "who changed what, when and why"),
    "diff": Lazy("console.cli.options_look", "diff", "what differs between two revisions"),
    "rollback": Lazy("console.cli.options_change", "rollback", "bring the options of a revision back"),
    "mirror": Lazy("console.cli.options_mirror", "mirror", "make a secondary server the same as its primary"),
    "export": Lazy("console.cli.options_export", "export_options", "every option as JSON, without secrets"),
    "import": Lazy("console.cli.options_import", "import_options", "options from an export, or out of OpCon"),
}


@click.group("options", cls=LazyGroup, lazy=_COMMANDS, no_args_is_help=True)
def options() -> None:
    """Look at the options and change them.

    A change holds for the next server that any worker tries, with no restart.
    """
