"""How a test stands, whatever is tested; each kind of test adds what it found.

Times are Unix milliseconds by Redis' clock.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tasks.ledger import LANES

#: `unanswered`: no worker took it in time. `lost`: the worker that took it is gone.
TestState = Literal["waiting", "running", "done", "unanswered", "lost"]
#: Of one step. `not_reached`: a step before it failed.
StageOutcome = Literal["waiting", "running", "ok", "failed", "not_reached"]


class LiveReport(msgspec.Struct):
    """What every report of a test has.

    Attributes:
        id: Names it.
        by: Who asked.
        asked_at_ms: When.
        state: How it stands.
        lane: In whose queue it waits for a worker.
        worker: The worker that took it; blank before.
        began_at_ms: When it did.
        told_at_ms: When the worker last told of it.
        finished_at_ms: When it was done.
        revision: Of the saved options; None before a worker took it.
        ok: Whether everything went well; None until that is known.
        error: Why nothing could be tested at all; blank where that is not so.
    """

    id: str
    by: str
    asked_at_ms: int
    state: TestState = "waiting"
    lane: str = LANES[0]
    worker: str = ""
    began_at_ms: int | None = None
    told_at_ms: int | None = None
    finished_at_ms: int | None = None
    revision: int | None = None
    ok: bool | None = None
    error: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether it is certain which worker makes it with which revision, or that none will be known."""
        return bool(self.worker) and (self.revision is not None or self.state == "done")
