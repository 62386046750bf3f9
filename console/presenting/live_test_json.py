"""What the tests that a worker makes have in common, as JSON with stable names."""

from __future__ import annotations

from typing import Any

from console.presenting.relative_time import rfc3339
from tasks.attachment_test import AttachmentReport
from tasks.server_test import TestReport


def progress(report: AttachmentReport | TestReport) -> dict[str, Any]:
    """Which test, by whom and by which worker, how far it is, and when."""
    return {
        "id": report.id,
        "state": report.state,
        "ok": report.ok,
        "error": report.error or None,
        "by": report.by,
        "worker": report.worker or None,
        "asked_at": rfc3339(report.asked_at_ms),
        "began_at": rfc3339(report.began_at_ms),
        "finished_at": rfc3339(report.finished_at_ms),
        "revision": report.revision,
    }
