"""What a report says of steps, as they are made, made again, and not made."""

from __future__ import annotations

import contextlib

import pytest

from tasks.attachment_test.progress import Progress, planned
from tasks.attachment_test.report import AttachmentReport
from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.steps import Step

LOCKED = AttachmentFault(Fault.LOCKED, "another program has it open", is_passing=True)
LATE = AttachmentFault(Fault.LATE, "it did not come within 120 s")


class Rig:
    """A report that is written, on a clock that a test moves."""

    def __init__(self, kind: str = "share") -> None:
        self.now = 0.0
        self.told = 0
        self.report = AttachmentReport("t", "me", 1, asked="x", kind=kind)  # type: ignore[arg-type]
        self.report.stages = planned(self.report.kind)
        self.progress = Progress(self.report, self._tell, clock=lambda: self.now)

    def _tell(self) -> None:
        self.told += 1

    def make(self, step: Step, place: str = "", fault: AttachmentFault | None = None) -> None:
        with contextlib.suppress(AttachmentFault), self.progress.step(step, place):
            self.now += 1
            if fault is not None:
                raise fault

    def told_of(self) -> list[tuple[str, str]]:
        return [(stage.stage, stage.outcome) for stage in self.report.stages]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_what_comes_after_a_failure_is_not_reached(rig: Rig) -> None:
    rig.make(Step.PATH)
    rig.make(Step.ALLOWED, "a", AttachmentFault(Fault.NOT_ALLOWED, "the host is not allowed; notify share"))
    rig.progress.finish(LATE)
    assert rig.told_of()[:3] == [("path", "ok"), ("allowed", "failed"), ("resolve", "not_reached")]
    assert {outcome for _, outcome in rig.told_of()[2:]} == {"not_reached"}
    # The reason names the command already.
    assert rig.report.stages[1].advice == []


def test_what_is_made_again_at_the_same_place_is_one_stage_and_fails_only_at_the_end(rig: Rig) -> None:
    for _ in range(3):
        rig.make(Step.OPEN, "f", LOCKED)
        assert ("open", "running") in rig.told_of()
    rig.make(Step.OPEN, "f")
    rig.progress.finish()
    (stage,) = [stage for stage in rig.report.stages if stage.stage == "open"]
    assert (stage.outcome, stage.tries, stage.seconds, stage.fault) == ("ok", 4, 4.0, None)


def test_a_file_that_stays_locked_has_failed_once_with_its_advice(rig: Rig) -> None:
    for _ in range(3):
        rig.make(Step.OPEN, "f", LOCKED)
    rig.progress.finish(LOCKED)
    (stage,) = [stage for stage in rig.report.stages if stage.stage == "open"]
    assert (stage.outcome, stage.fault, stage.tries) == ("failed", "locked", 3)
    assert "attachments.patience_seconds" in stage.advice[0]


def test_another_place_is_another_stage_in_the_order_of_what_happened(rig: Rig) -> None:
    for step in (Step.PATH, Step.ALLOWED, Step.RESOLVE):
        rig.make(step, "a")
    rig.make(Step.CONNECT, "10.0.0.1", LATE)
    rig.make(Step.CONNECT, "10.0.0.2")
    assert [stage.outcome for stage in rig.report.stages if stage.stage == "connect"] == ["failed", "ok"]
    rig.make(Step.SIGN_IN, "a")
    rig.make(Step.SHARE, "a")
    rig.progress.referred(("b",))
    rig.make(Step.ALLOWED, "b", AttachmentFault(Fault.NOT_ALLOWED, "it is not allowed"))
    rig.progress.finish(AttachmentFault(Fault.NOT_ALLOWED, "where its DFS link leads: it is not allowed"))
    made = [stage for stage in rig.told_of() if stage[1] != "not_reached"]
    assert made[-2:] == [("share", "ok"), ("allowed", "failed")]


def test_a_step_inside_another_that_fails_is_the_only_one_that_failed() -> None:
    rig = Rig("job_output")
    rig.make(Step.ALLOWED)
    with (
        contextlib.suppress(AttachmentFault),
        rig.progress.lasting(Step.LIST),
        rig.progress.step(Step.TOKEN, "https://opcon"),
    ):
        raise LATE
    rig.progress.finish(LATE)
    assert rig.told_of() == [
        *(("allowed", "ok"), ("token", "failed"), ("list", "not_reached"), ("output", "not_reached"))
    ]


def test_what_was_waited_for_in_vain_has_the_fault_and_what_is_there_has_not() -> None:
    rig = Rig("job_output")
    rig.make(Step.LIST)
    for path in ("a", "b"):
        with rig.progress.lasting(Step.OUTPUT, path):
            pass
    rig.progress.ended(Step.OUTPUT, "a", bytes=7)
    rig.progress.finish(LATE)
    assert rig.told_of() == [("list", "ok"), ("output", "ok"), ("output", "failed")]
    assert rig.report.stages[1].facts == {"bytes": 7}


def test_a_fault_before_any_step_is_that_of_the_first() -> None:
    rig = Rig("none")
    rig.progress.finish(AttachmentFault(Fault.NOT_ALLOWED, "it is neither on a share nor absolute"))
    assert rig.told_of() == [("path", "failed")]
    assert rig.report.stages[0].advice


def test_what_somebody_ended_has_that_for_its_failure_and_no_advice(rig: Rig) -> None:
    stopped = AttachmentFault(Fault.LATE, "the worker is being stopped; ask again")
    rig.make(Step.PATH)
    rig.make(Step.CONNECT, "h", AttachmentFault(Fault.LATE, "the host does not answer", is_passing=True))
    rig.progress.cut_short(stopped)
    rig.progress.finish(stopped)
    (failed,) = [stage for stage in rig.report.stages if stage.outcome == "failed"]
    assert (failed.stage, failed.reason, failed.advice) == ("connect", stopped.words, [])
