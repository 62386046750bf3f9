"""A test of an attachment as JSON with stable names."""

from __future__ import annotations

from typing import Any

from console.presenting.live_test_json import progress
from tasks.attachment_test import AttachmentReport, FileReport, StageReport


def test(report: AttachmentReport) -> dict[str, Any]:
    """A test with every stage."""
    return {
        **progress(report),
        "asked": report.asked,
        "kind": report.kind,
        "stages": [_stage(stage) for stage in report.stages],
        "files": [_file(file) for file in report.files],
    }


def _stage(stage: StageReport) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "outcome": stage.outcome,
        "place": stage.place or None,
        "seconds": stage.seconds,
        "tries": stage.tries,
        "fault": stage.fault,
        "reason": stage.reason,
        "advice": stage.advice,
        "facts": stage.facts,
    }


def _file(file: FileReport) -> dict[str, Any]:
    return {
        "name": file.name,
        "ok": file.ok,
        "bytes": file.bytes,
        "sent_bytes": file.sent_bytes,
        "charset": file.charset or None,
        "fault": file.fault,
        "reason": file.reason,
        "remark": file.remark or None,
        "left_out": file.left_out,
    }
