"""Tests of attachments, made by a worker: whether a file could go along, and what keeps it from that.

The worker fetches it by the very way that deliveries take, with connections of its own so that every step is
made and seen, and throws away what it read. How draft and report go between the two is in `tasks.live_test`.
"""

from tasks.attachment_test.attachment_tests import AttachmentTests
from tasks.attachment_test.draft import Draft
from tasks.attachment_test.report import AttachmentReport, FileReport, StageReport

__all__ = ["AttachmentReport", "AttachmentTests", "Draft", "FileReport", "StageReport"]
