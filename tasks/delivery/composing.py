"""The message as one server gets it: its sender, its limits, and the files that fit into them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from settings_store.catalog import GROUPS
from tasks.attachments.fitting import MEGABYTE, Room, Size, fit
from tasks.attachments.gathered import Gathered, GatheringStopped
from tasks.attachments.item import Item
from tasks.attachments.mail_lines import mail_lines
from tasks.delivery.options import text_options
from tasks.delivery.pass_state import PassState
from tasks.mime_bodies import base64_size_bytes
from tasks.rendering import MailFile, RenderedMessage, render
from tasks.routing import Hop
from tasks.server import Server


class NotWhole(Exception):
    """A notification that goes with all of its files or not at all would go without one."""


class Composer:
    """Composes the messages of a pass.

    Args:
        state: The pass.
        gathered: The files, open.
        stopping: Whether this process is to end.
    """

    def __init__(
        self, state: PassState, gathered: Gathered, *, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self._state = state
        self._stopping = stopping
        self._items = gathered.items
        self._gathered = gathered
        self._left_out: dict[int, str] = {}
        self._told: set[tuple[int, str]] = set()

    def message(self, hop: Hop, group: tuple[int, ...], largest_bytes: int) -> RenderedMessage:
        """The message for some recipients by one server.

        Args:
            hop: The server.
            group: Recipients by their place in the envelope; of a text, one.
            largest_bytes: What the server names as its largest message; 0 = it names none.

        Raises:
            NotWhole: The notification is strict, and a file cannot be had or does not fit.
            GatheringStopped: This process is to end, and a file is lost that another may have.
        """
        if self._gathered.trouble and self._stopping():
            raise GatheringStopped
        room = _room(hop.server)
        message, included = self._composed(hop, group, room)
        without_files = message.size_bytes - sum(file.part_bytes for file in included)
        left_bytes = largest_bytes - without_files
        while largest_bytes and included and message.size_bytes > largest_bytes:
            tighter = dataclasses.replace(room, parts_bytes=left_bytes, message_bytes=largest_bytes)
            message, included = self._composed(hop, group, tighter)
            # The lines that tell of what was left out take room themselves.
            left_bytes -= max(message.size_bytes - largest_bytes, 0)
        return message

    def left_out(self) -> list[tuple[Item, str]]:
        """Which files the last message went without though they were had, and why; each is told of once."""
        untold = [entry for entry in self._left_out.items() if entry not in self._told]
        self._told.update(untold)
        return [(self._items[place], why) for place, why in untold]

    def _composed(
        self, hop: Hop, group: tuple[int, ...], room: Room
    ) -> tuple[RenderedMessage, list[MailFile]]:
        """The message with the files that fit into this room, and those files."""
        left_out: dict[int, str] = {}
        included: list[MailFile] = []
        if self._items:
            here = {place: _file(item) for place, item in enumerate(self._items) if item.is_here}
            sizes = [Size(base64_size_bytes(file.file.size_bytes), file.part_bytes) for file in here.values()]
            left_out = {place: why for place, why in zip(here, fit(sizes, room), strict=True) if why}
            included = [file for place, file in here.items() if place not in left_out]
        self._insist_on_whole(left_out)
        self._left_out = left_out
        state = self._state
        message = render(
            state.notification,
            notification_id=state.claim.id,
            number=state.claim.number,
            accepted_at=state.accepted_at,
            sender=hop.server.sender,
            options=state.snapshot.derive(text_options),
            recipient=state.addresses[group[0]] if state.is_text else None,
            files=included,
            lines=mail_lines(self._items, left_out),
        )
        return message, included

    def _insist_on_whole(self, left_out: dict[int, str]) -> None:
        if not self._state.notification.strict:
            return
        if self._gathered.trouble:
            raise NotWhole(self._gathered.trouble)
        if left_out:
            place, why = next(iter(left_out.items()))
            raise NotWhole(f"attachment {place + 1} of {len(self._items)}: {why}")


def _file(item: Item) -> MailFile:
    return MailFile(item.name, item, item.charset)


def _room(server: Server) -> Room:
    return Room(GROUPS[server.name], server.total_attachment_mb * MEGABYTE, server.maximum_attachments)
