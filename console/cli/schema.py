"""`notify schema`: what a notification may hold, for programs that want to check before they send."""

from __future__ import annotations

import json

import click

from console.cli.flags import as_json
from console.cli.output import say, say_json
from tasks.notification_schema import json_schema


@click.command("schema")
@as_json
def schema(*, as_json: bool) -> None:
    """Print the JSON schema of a notification (2020-12)."""
    if as_json:
        say_json(json_schema())
    else:
        say(json.dumps(json_schema(), indent=2))
