"""Keeps the report of a test as it goes on, from the steps that fetching tells of."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from tasks.attachment_test.advice import advice
from tasks.attachment_test.report import AttachmentReport, Kind, StageReport
from tasks.attachments.source import AttachmentFault
from tasks.attachments.steps import Step

_PLANS: Final[Mapping[Kind, tuple[Step, ...]]] = MappingProxyType(
    {
        "share": (
            *(Step.PATH, Step.ALLOWED, Step.RESOLVE, Step.CONNECT),
            *(Step.SIGN_IN, Step.SHARE, Step.OPEN, Step.READ),
        ),
        "local": (Step.ALLOWED, Step.OPEN, Step.READ),
        "job_output": (Step.ALLOWED, Step.TOKEN, Step.LIST, Step.OUTPUT),
        "none": (Step.PATH,),
    }
)


def planned(kind: Kind, *, without: frozenset[Step] = frozenset()) -> list[StageReport]:
    """The steps of a test that goes well, in their order."""
    return [StageReport(step.value) for step in _PLANS[kind] if step not in without]


def _begun(stages: Sequence[StageReport]) -> int:
    """The place behind the last stage that began."""
    return max((at for at, stage in enumerate(stages, start=1) if stage.outcome != "waiting"), default=0)


class Progress:
    """Steps that are written into a report; see `tasks.attachments.steps.Steps`.

    What is made again at the same place is the same stage: a step that failed counts as running until it is
    known that it is not made again, so that a stage that is over stays as it is.

    Args:
        report: With its planned stages.
        tell: Called after each change that others should see.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        report: AttachmentReport,
        tell: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._tell = tell
        self._clock = clock
        self._seen: dict[tuple[Step, str], StageReport] = {}
        self._began: dict[int, float] = {}
        self._failing: dict[int, AttachmentFault] = {}
        self._last: StageReport | None = None

    @contextlib.contextmanager
    def step(self, step: Step, place: str = "") -> Iterator[None]:
        """Do a step inside; what it raises is its failure."""
        with self.lasting(step, place):
            yield
            self.ended(step, place)

    @contextlib.contextmanager
    def lasting(self, step: Step, place: str = "") -> Iterator[StageReport]:
        """Do a part of a step inside, which is over when `ended` is called."""
        stage = self._begin(step, place)
        try:
            yield stage
        except AttachmentFault as fault:
            if any(fault is known for key, known in self._failing.items() if key != id(stage)):
                # It is the failure of a step inside this one, which has not really begun.
                stage.outcome = "waiting"
                raise
            if stage.outcome == "ok":
                # It went well before, which somebody may have been told.
                stage = self._added(step, place)
            self._failing[id(stage)] = fault
            self._note_time(stage)
            self._last = stage
            self._tell()
            raise

    def ended(self, step: Step, place: str = "", **facts: Any) -> None:
        """A step went well; facts are what was learned."""
        stage = self._seen[step, place]
        stage.facts = {**stage.facts, **facts}
        if stage.outcome == "running":
            stage.outcome = "ok"
            self._failing.pop(id(stage), None)
            self._note_time(stage)
            self._tell()

    def read(self, stage: StageReport, size_bytes: int) -> None:
        """So much of a file was read."""
        stage.facts = {**stage.facts, "bytes": size_bytes}
        self._tell()

    def referred(self, places: tuple[str, ...]) -> None:
        """The last step was answered with other places."""
        if self._last is not None:
            self._last.facts = {**self._last.facts, "referred": list(places)}
            self._tell()

    def cut_short(self, fault: AttachmentFault) -> None:
        """What failed last did so because somebody ended it: that is its failure."""
        self._failing = dict.fromkeys(self._failing, fault)

    def finish(self, fault: AttachmentFault | None = None) -> None:
        """Nothing more is done.

        Args:
            fault: Why the file was not had; None where it was.
        """
        stages = self._report.stages
        if fault is not None:
            # What came neither to an end nor to a fault of its own was waited for in vain.
            for stage in stages:
                if stage.outcome == "running":
                    self._failing.setdefault(id(stage), fault)
            if not self._failing:
                self._failing[id(next((one for one in stages if one.outcome == "waiting"), stages[-1]))] = (
                    fault
                )
        self._settle()
        begun = _begun(stages)
        # What was planned before them and never made was not needed.
        stages[:begun] = [stage for stage in stages[:begun] if stage.outcome != "waiting"]
        for stage in stages:
            if stage.outcome == "waiting":
                stage.outcome = "not_reached"
            elif stage.outcome == "running":
                stage.outcome = "ok"
            self._note_time(stage)
        self._tell()

    def _begin(self, step: Step, place: str) -> StageReport:
        stage = self._seen.get((step, place))
        if stage is None or stage.outcome == "failed":
            self._settle()
            stage = self._added(step, place)
        stage.tries += 1
        if stage.outcome == "waiting":
            stage.outcome = "running"
        if stage.outcome == "running":
            self._began.setdefault(id(stage), self._clock())
            self._tell()
        self._last = stage
        return stage

    def _added(self, step: Step, place: str) -> StageReport:
        """The planned stage of a step, or one more behind those that began."""
        stages = self._report.stages
        stage = next((one for one in stages if one.stage == step.value and one.outcome == "waiting"), None)
        if stage is None:
            stage = StageReport(step.value)
            stages.insert(_begun(stages), stage)
        stage.place = place
        self._seen[step, place] = stage
        return stage

    def _settle(self) -> None:
        """What failed is not made again."""
        for stage in self._report.stages:
            fault = self._failing.pop(id(stage), None)
            if fault is not None:
                stage.outcome, stage.fault, stage.reason = "failed", fault.kind.value, fault.words
                stage.advice = advice(stage, self._report.kind)

    def _note_time(self, stage: StageReport) -> None:
        began = self._began.pop(id(stage), None)
        if began is not None:
            stage.seconds = round((stage.seconds or 0.0) + self._clock() - began, 4)
