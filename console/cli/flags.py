"""Flags that many commands share."""

from __future__ import annotations

import math
from typing import Any

import click

from console.cli.errors import BadInput


class Seconds(click.FloatRange):
    """A number of seconds within a range; `nan`, with which no comparison holds, is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number.

        Raises:
            BadInput: It is none.
        """
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            flag = param.opts[0] if param else "SECONDS"
            raise BadInput(f"{flag}: is no number of seconds", f"{flag} 30")
        return seconds


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names.")
dry_run = click.option("--dry-run", is_flag=True, help="Check everything and change nothing.")
