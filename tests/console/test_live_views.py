"""What a person sees of a test while it goes on: a line once printed stays, so none is printed too early."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from console.cli import attachment_test_view, server_test_view
from console.cli.screen import Screen
from tasks.attachment_test import AttachmentReport
from tasks.server_test import TestReport

ATTACHMENT = AttachmentReport("t", "me", 1, asked="/var/log/f.log")
SERVER = TestReport("t", "me", 1, target="primary_email")


@pytest.mark.parametrize(
    "lines, report",
    [(attachment_test_view.test_lines, ATTACHMENT), (server_test_view.test_lines, SERVER)],
    ids=["attachment", "server"],
)
def test_worker_and_revision_are_said_once_both_are_known(
    lines: Callable[[Any, Screen], Iterable[str]], report: AttachmentReport | TestReport
) -> None:
    screen = Screen(80)
    assert list(lines(report, screen)) == []
    report.worker, report.state = "celery@host", "running"
    assert list(lines(report, screen)) == []
    report.revision = 7
    assert next(iter(lines(report, screen))) == "on worker celery@host, revision 7"
    report.revision, report.state = None, "done"
    assert next(iter(lines(report, screen))) == "on worker celery@host, revision ?"
