"""Tests of servers, made by a worker: what an administrator asks before, and an operator after, mail stops.

A test is asked for by a *draft*: which servers, with which unsaved options laid over the saved ones, to whom.
It is kept in Redis for a minute under a random id, sealed. A Celery task carries that id to the first worker
with a free slot. That one takes the draft away, so that no test is ever made twice, goes through each server
step by step over the very client that deliveries use, and writes the *report* into Redis after every step.
The last test of each server is kept.
"""

from tasks.server_test.draft import CHAIN, Draft, Target
from tasks.server_test.errors import InvalidDraft, ServerTestError, TestNotTaken
from tasks.server_test.report import LastTest, ServerReport, Stage, StageReport, TestReport
from tasks.server_test.server_tests import ServerTests

__all__ = [
    "CHAIN",
    "Draft",
    "InvalidDraft",
    "LastTest",
    "ServerReport",
    "ServerTestError",
    "ServerTests",
    "Stage",
    "StageReport",
    "Target",
    "TestNotTaken",
    "TestReport",
]
