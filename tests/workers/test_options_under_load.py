"""Server, port, user, limits, mirror, rollback change while mail flows: none lost, none to the wrong server.

The long form is `python -m benchmarks.options_under_load`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rigs.options_under_load import USERS, options_under_load

NOTIFICATIONS = 390
CHANGES = 13


@pytest.mark.timeout(400)
def test_options_that_change_under_load_lose_nothing_and_send_nothing_to_a_server_that_was_replaced(
    tmp_path: Path,
) -> None:
    with options_under_load(tmp_path) as load:
        found = load.run(NOTIFICATIONS, CHANGES)
    assert found.lost == []
    assert found.twice == []
    assert found.not_configured == []
    assert found.replaced_before == []
    # All of it happened: each server carried, each user sent, and mails went out under many revisions.
    assert sum(found.by_server.values()) == NOTIFICATIONS
    assert set(found.by_server) == {"one", "two", "three"}
    assert set(USERS) < set(found.by_sender)
    assert found.revisions_used >= CHANGES // 2
