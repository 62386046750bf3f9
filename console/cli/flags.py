"""Flags that many commands share."""

from __future__ import annotations

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names.")
dry_run = click.option("--dry-run", is_flag=True, help="Check everything and change nothing.")
