"""Tests of servers, made by a worker: what an administrator asks before, and an operator after, mail stops.

A test is asked for by a *draft*: which servers, with which unsaved options laid over the saved ones, to whom.
The worker that takes it goes through each server step by step over the very client that deliveries use. The
last test of each server is kept. How draft and report go between the two is in `tasks.live_test`.
"""

from tasks.live_test.errors import InvalidDraft, TestNotTaken
from tasks.server_test.draft import CHAIN, Draft, Target
from tasks.server_test.report import LastTest, ServerReport, Stage, StageReport, TestReport
from tasks.server_test.server_tests import ServerTests

__all__ = [
    "CHAIN",
    "Draft",
    "InvalidDraft",
    "LastTest",
    "ServerReport",
    "ServerTests",
    "Stage",
    "StageReport",
    "Target",
    "TestNotTaken",
    "TestReport",
]
