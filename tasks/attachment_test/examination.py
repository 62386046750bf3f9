"""Fetches one attachment as a delivery would, tells of each step, and keeps nothing of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from settings_store.catalog import GROUPS
from settings_store.errors import SecretFault
from settings_store.snapshot import Snapshot
from tasks.attachment_test.draft import Draft
from tasks.attachment_test.progress import Progress, planned
from tasks.attachment_test.report import AttachmentReport, FileReport, Kind
from tasks.attachment_test.watched import WatchedPlace, WatchedScheduler
from tasks.attachments.fitting import MEGABYTE, Room, Size, fit
from tasks.attachments.gatherer import Gatherer, Places
from tasks.attachments.item import Item
from tasks.attachments.job_output.collector import NO_SCHEDULER, JobOutputs
from tasks.attachments.job_output.opcon_api import OpConConnector
from tasks.attachments.job_output.provider import JobOutputProvider
from tasks.attachments.local_files import LocalFiles
from tasks.attachments.memory import AttachmentMemory
from tasks.attachments.place import Place, place_of
from tasks.attachments.scope import Scope
from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.steps import Step
from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.mime_bodies import base64_size_bytes
from tasks.routing import server_of
from tasks.server import ServerName

_E_MAIL: Final[tuple[ServerName, ...]] = ("primary_email", "secondary_email")
_KINDS: Final[dict[Place | None, Kind]] = {Place.SHARE: "share", Place.LOCAL: "local", None: "none"}
_STOPPING: Final = "the worker is being stopped; ask again"


@dataclass(frozen=True, slots=True)
class Means:
    """What fetching needs.

    Attributes:
        guard: Decides for all workers whether an account, of the shares or the scheduler, may be tried.
        now_ms: Unix milliseconds by the ledger's clock.
        pause: Waits so many seconds.
        stopping: Whether the worker is to end.
        clock: Seconds that only grow.
    """

    guard: SignInGuard
    now_ms: Callable[[], int]
    pause: Callable[[float], None] = time.sleep
    stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic


def kind_of(draft: Draft) -> Kind:
    """What is fetched."""
    return "job_output" if draft.path is None else _KINDS[place_of(draft.path)]


def examine(
    draft: Draft, options: Snapshot, report: AttachmentReport, means: Means, tell: Callable[[], None]
) -> None:
    """Fetch an attachment, and write into the report how that goes.

    Args:
        draft: What is asked.
        options: As they hold now.
        report: What is written.
        means: What fetching needs.
        tell: Called whenever the report has changed.
    """
    report.kind = kind_of(draft)
    no_sign_in = frozenset({Step.TOKEN}) if options.is_set("jors.api_token") else frozenset[Step]()
    report.stages = planned(report.kind, without=no_sign_in)
    progress = Progress(report, tell, clock=means.clock)
    try:
        with _opened(draft, options, progress, means) as items:
            if report.kind != "job_output":
                for item in items:
                    _read(item)
            fault = next((item.fault for item in items if item.fault), None)
            if fault is not None and fault.is_passing and means.stopping():
                # A worker that ends gives a server a few seconds alone: that says nothing of the server.
                fault = AttachmentFault(Fault.LATE, _STOPPING)
                progress.cut_short(fault)
                for item in items:
                    item.fault = item.fault and fault
            report.files = _files(items, options)
            progress.finish(fault)
    except SecretFault as fault:
        report.error = f"this worker cannot open the password: {fault}"
        progress.finish(AttachmentFault(Fault.DENIED, "this worker cannot open the password"))


@contextlib.contextmanager
def _opened(draft: Draft, options: Snapshot, progress: Progress, means: Means) -> Iterator[list[Item]]:
    """The files, open, by the delivery's own gatherer; its connections are this test's own."""
    shares = Shares(means.guard, pause=means.pause, steps=progress, stopping=means.stopping)
    connector = OpConConnector(means.guard, means.clock, steps=progress)
    asked: dict[str, str] = {}

    def connect(snapshot: Snapshot, seconds: float) -> JobOutputProvider | None:
        scheduler = connector(snapshot, seconds)
        with contextlib.suppress(AttachmentFault), progress.step(Step.ALLOWED):
            if scheduler is None:
                raise AttachmentFault(Fault.NOT_ALLOWED, NO_SCHEDULER)
        return None if scheduler is None else WatchedScheduler(scheduler, progress, asked)

    places = Places(
        WatchedPlace(LocalFiles(steps=progress), progress, clock=means.clock),
        WatchedPlace(shares, progress, clock=means.clock),
    )
    gatherer = Gatherer(places, JobOutputs(connect, clock=means.clock), clock=means.clock)
    # Nothing is waited for that a mail would wait for: what is locked now is told now.
    memory = AttachmentMemory(file_awaited_since_ms=1)
    try:
        while True:
            scope = Scope(options, memory, means.now_ms(), passes=0)
            with gatherer.gather([draft.attachment], scope) as gathered:
                if gathered.wait is None:
                    yield gathered.items
                    return
            means.pause(gathered.wait.seconds)
            if means.stopping():
                yield [Item(draft.asked, draft.asked, fault=AttachmentFault(Fault.LATE, _STOPPING))]
                return
    finally:
        shares.close()


def _read(item: Item) -> None:
    """Read all of a file, and keep nothing but its fault."""
    if item.is_here:
        with contextlib.suppress(AttachmentFault):
            for _ in item.blocks():
                pass


def _files(items: list[Item], options: Snapshot) -> list[FileReport]:
    files = [
        FileReport(
            name=item.name,
            ok=item.fault is None,
            bytes=item.size_bytes,
            sent_bytes=base64_size_bytes(item.size_bytes),
            charset=item.charset,
            fault=item.fault.kind.value if item.fault else None,
            reason=item.fault.words if item.fault else None,
            remark=item.remark,
        )
        for item in items
    ]
    here = [file for file, item in zip(files, items, strict=True) if item.is_here]
    sizes = [Size(file.sent_bytes, file.sent_bytes) for file in here]
    for name in _E_MAIL:
        server = server_of(options, name)
        if server is None:
            continue
        room = Room(GROUPS[name], server.total_attachment_mb * MEGABYTE, server.maximum_attachments)
        for file, why in zip(here, fit(sizes, room), strict=True):
            if why:
                file.left_out = {**file.left_out, name: why}
    return files
