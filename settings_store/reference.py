"""The options' reference page, written from the catalogue.

`python -m settings_store.reference docs/options.md` writes it; without a file it goes to standard
output.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from settings_store.catalog import GROUPS, OPTIONS, OWN_OPTIONS
from settings_store.option import Option

_HEAD = f"""\
# Options

<!-- Written by `python -m settings_store.reference docs/options.md`: change the catalogue, not this page. -->

The {len(OPTIONS)} options of the SMTP page of OpCon 26.0, with its names, defaults and limits, then
{len(OWN_OPTIONS)} of our own. Every option is live: a saved value holds for the next server that any worker
tries, with no restart.

- Set: `notify options set KEY=VALUE \N{HORIZONTAL ELLIPSIS} --reason TEXT`; look: `notify options get KEY`,
  with `--who` also who changed it and when. `notify options list` shows all of them.
- A change is one revision, all or nothing: `history` lists them, `diff` compares two, `rollback` brings one
  back, and `--dry-run` shows what a change would do. With `--expect-revision N` it is refused where somebody
  else was faster, and you are told who changed what.
- What is allowed option by option and yet wrong together is told at every change and by `list`.
- `notify options mirror email|sms on|off|show` makes a secondary server the same as its primary, or itself.
- `notify options export` and `import` carry options from one place to another:
  [moving options](moving-options.md).
- True and False may also be written yes and no, on and off, 1 and 0.
- Text may not hold control characters. Blank is the empty text.
- \N{LOCK} marks a secret. It is stored sealed and never shown again. `notify encrypt` seals a value
  for pasting. The five *encrypted passwords* take nothing else; client secrets may also be given plain, by
  standard input, file or page.
"""


def render() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD, f"## The {len(OPTIONS)} options of the page\n"]
    parts += _groups(OPTIONS.values(), start=1)
    parts.append("## Our own options\n")
    parts += _groups(OWN_OPTIONS.values(), start=None)
    return "\n".join(parts)


def main(arguments: list[str]) -> None:
    """Write the page to the file named, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(render(), encoding="utf-8")
    else:
        sys.stdout.write(render())


def _groups(options: Iterable[Option], *, start: int | None) -> list[str]:
    """A section for each group; numbered through where a start is given."""
    sections: dict[str, list[str]] = {}
    for offset, option in enumerate(options):
        number = f"{start + offset}. " if start is not None else ""
        sections.setdefault(option.group, []).append(_entry(number, option))
    return [
        f"### {GROUPS[group]} (`{group}`, {len(entries)})\n\n" + "\n".join(entries) + "\n"
        for group, entries in sections.items()
    ]


def _entry(number: str, option: Option) -> str:
    default = f"`{option.default}`" if option.default != "" else "blank"
    lock = " \N{LOCK}" if option.secret else ""
    return (
        f"- **{number}{option.label}**{lock} `{option.key}`: default {default}; {option.kind.valid}.\n"
        f"  {option.help}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
