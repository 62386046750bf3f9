"""What the timeline tells of the files of a pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tasks.attachments.gathered import Gathered
from tasks.attachments.item import Item
from tasks.delivery.pass_state import PassState
from tasks.notification_document import InlineAttachment

FETCHED: Final = "attachment_fetched"
NOT_FETCHED: Final = "attachment_missing"
#: There is nothing to send, and nothing is wrong with that: a job without output.
NOTHING: Final = "attachment_empty"
#: It was had, and the server that took the mail takes less.
LEFT_OUT: Final = "attachment_left_out"


def tell_fetches(state: PassState, gathered: Gathered) -> None:
    """Note what became of each file that was fetched, unless the pass before told just the same."""
    if all(isinstance(each, InlineAttachment) for each in state.notification.attachments):
        return
    outcomes = [f"{item.name} {item.size_bytes} {item.fault}" for item in gathered.items]
    told = hashlib.sha256("\n".join(outcomes).encode()).hexdigest()[:16]
    if told == state.memory.files_told:
        return
    state.memory.files_told = told
    state.pending.entries += _entries(state, gathered)


def tell_left_out(state: PassState, left_out: Iterable[tuple[Item, str]]) -> None:
    """Note which files a server got the mail without, as it takes less."""
    state.pending.entries += (
        {
            "at": state.now_ms(),
            "pass": state.claim.passes + 1,
            "stage": "attachment",
            "verdict": LEFT_OUT,
            "reason": why,
            "file": item.name,
            "bytes": item.size_bytes,
            "indexes": [],
            "revision": state.snapshot.revision,
        }
        for item, why in left_out
    )


def _entries(state: PassState, gathered: Gathered) -> Iterator[dict[str, Any]]:
    for item in gathered.items:
        if item.is_inline:
            continue
        yield {
            "at": state.now_ms(),
            "pass": state.claim.passes + 1,
            "stage": "attachment",
            "verdict": _verdict(item),
            "reason": _reason(item),
            "file": item.name,
            "bytes": item.size_bytes,
            "seconds": round(item.seconds, 3),
            "indexes": [],
            "revision": state.snapshot.revision,
        }


def _verdict(item: Item) -> str:
    if item.fault is not None:
        return NOT_FETCHED
    return FETCHED if item.is_here else NOTHING


def _reason(item: Item) -> str:
    return item.fault.words if item.fault else item.remark
