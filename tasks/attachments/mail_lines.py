"""What a mail says of its files, a line for each of which something is to be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.attachments.fitting import megabytes
from tasks.attachments.item import Item
from tasks.line_breaks import one_line


def mail_lines(items: Iterable[Item], left_out: Mapping[int, str]) -> list[str]:
    """The lines, in the order of the files; times and paces are in none, so that a resend says the same.

    Args:
        items: The files.
        left_out: Place among them, and why the server does not get it though it could be had.
    """
    lines = []
    for place, item in enumerate(items):
        asked = one_line(item.asked)
        if item.fault is not None:
            lines.append(f"Attachment not sent: {asked}: {one_line(item.fault.words)}")
        elif place in left_out:
            size = megabytes(item.size_bytes)
            lines.append(f"Attachment not sent: {asked} ({size}): {one_line(left_out[place])}")
        if item.remark:
            # What is not attached is looked for by what was asked for, and not by a name that nothing has.
            lines.append(
                f"Attachment {one_line(item.name) if item.is_here else asked}: {one_line(item.remark)}"
            )
    return lines
