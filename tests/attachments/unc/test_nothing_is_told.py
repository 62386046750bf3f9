"""No log record and no error holds the account, its password, or more of a path than was asked for."""

from __future__ import annotations

import logging
import traceback

import pytest

from tasks.attachments.source import AttachmentFault
from tasks.attachments.unc.shares import Shares
from tests.rigs.forging import running_forger
from tests.rigs.samba import PASSWORD, USER, Samba
from tests.rigs.share_access import access, content_of


def test_logs_and_errors_hold_no_account_no_password_and_no_file(
    samba: Samba, shares: Shares, caplog: pytest.LogCaptureFixture
) -> None:
    samba.write("salaries.txt", b"confidential")
    given = access(samba.address)
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        content_of(shares.open_by(samba.path("salaries.txt"), given))
        for path, other in [
            (samba.path("salaries.bak"), given),
            (samba.path("salaries.txt", "none"), given),
            (samba.path("salaries.txt", "denied"), given),
            (samba.path("salaries.txt"), access(samba.address, password="Spring 2027?")),
            (samba.path("salaries.txt"), access(samba.address, password="Spring 2027?")),
            (r"\\127.255.255.254\reports\salaries.txt", access("127.255.255.254")),
            (r"C:\salaries.txt", given),
        ]:
            with pytest.raises(AttachmentFault) as caught:
                shares.open_by(path, other)
            told.append("".join(traceback.format_exception(caught.value)))
        with running_forger(samba, hides_signature=True) as forger:
            file = shares.open_by(rf"\\{forger.address}\reports\salaries.txt", access(forger.address))
            with pytest.raises(AttachmentFault) as caught:
                content_of(file)
            told.append("".join(traceback.format_exception(caught.value)))
    told += [f"{record.getMessage()} {record.exc_text}" for record in caplog.records]
    for secret in (PASSWORD, USER, "Spring 2027?", "salaries", "confidential"):
        assert not [words for words in told if secret in words]
