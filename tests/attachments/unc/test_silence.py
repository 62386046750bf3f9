from __future__ import annotations

import pytest

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc import status
from tasks.attachments.unc.silence import SILENT_SECONDS, Silence


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_silent_host_is_passed_by_for_a_while_and_no_other() -> None:
    clock = Clock()
    silence = Silence(clock)
    silence.heard("files", status.late())
    silence.check("other")
    clock.now += 12
    with pytest.raises(AttachmentFault, match=r"did not answer in time \(tried 12 s ago\)") as caught:
        silence.check("files")
    assert (caught.value.kind, caught.value.is_passing) == (Fault.LATE, True)
    silence.heard("files", caught.value)
    clock.now += SILENT_SECONDS - 12
    silence.check("files")


def test_what_fails_at_once_is_asked_again() -> None:
    silence = Silence(Clock())
    silence.heard("files", status.lost())
    silence.heard("files", status.of_sign_in(0xC000006D))
    silence.check("files")
