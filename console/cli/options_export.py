"""`notify options export`: every option as one JSON document that `import` reads."""

from __future__ import annotations

import json
import sys

import click

from console.cli.flags import as_json
from console.cli.options_store import open_store
from console.cli.output import say, tell
from settings_store.transfer.export import exported


@click.command("export")
@as_json
def export_options(*, as_json: bool) -> None:
    """Every option as one JSON document, without secrets; it names those that are set.

    `notify options import` reads it. The same revision is the same document, so it can be kept under
    version control.
    """
    del as_json  # it is JSON anyway
    document = exported(open_store().snapshot())
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    say(json.dumps(document, indent=2, ensure_ascii=encoding != "utf8"))
    secrets = document["secrets_set"]
    if secrets:
        tell(f"not in it, as it is secret: {', '.join(secrets)}")
