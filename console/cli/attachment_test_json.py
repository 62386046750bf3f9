"""A test of an attachment as JSON with stable names."""

from __future__ import annotations

from typing import Any

from console.cli.relative_time import rfc3339
from tasks.attachment_test import AttachmentReport, FileReport, StageReport


def test(report: AttachmentReport) -> dict[str, Any]:
    """A test with every stage."""
    return {
        "id": report.id,
        "state": report.state,
        "ok": report.ok,
        "error": report.error or None,
        "asked": report.asked,
        "kind": report.kind,
        "by": report.by,
        "worker": report.worker or None,
        "asked_at": rfc3339(report.asked_at_ms),
        "began_at": rfc3339(report.began_at_ms),
        "finished_at": rfc3339(report.finished_at_ms),
        "revision": report.revision,
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
