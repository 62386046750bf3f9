"""Templates: every value is escaped, a name that is missing is an error, and assets are named by content."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup, escape

from console.presenting.relative_time import duration, relative, rfc3339

FOLDER: Final = Path(__file__).parent
ASSETS: Final = FOLDER / "assets"


@functools.cache
def asset(name: str) -> str:
    """The path of an asset; another one as soon as its content is, so browsers may keep it."""
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]
    return f"/assets/{name}?{digest}"


def when(milliseconds: float | None, now_ms: float, *, otherwise: str = "never") -> Markup | str:
    """A moment in relative words, the absolute time on hover; the script turns that into local time."""
    if milliseconds is None:
        return otherwise
    absolute = rfc3339(milliseconds) or ""
    shown = absolute.replace("T", " ").partition(".")[0]
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        absolute, shown, relative(milliseconds, now_ms)
    )


def prose(text: str) -> Markup:
    """Help and advice: what stands between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


@functools.cache
def templates() -> jinja2.Environment:
    """The templates of the pages, made once a process."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=asset)
    made.filters.update(
        duration=duration, prose=prose, number=lambda value: f"{value:,}".replace(",", "\u202f")
    )
    return made
