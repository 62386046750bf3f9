"""What the sweeper forgets: records that are over, rows of the audit, in bounded parts."""

from __future__ import annotations

import pytest
import redis

from settings_store.audit import Audit
from tests.rigs.swept import Swept
from workers.sweeper import (
    PURGE_EVERY_SECONDS,
    PURGES_A_SWEEP,
)

BATCH = 200


def test_what_is_over_is_forgotten_after_the_history_days(swept: Swept) -> None:
    swept.runtime.store.change({"text.history_days": 3}, author="test")
    old, young, still_open = (swept.installation.publish() for _ in range(3))
    swept.runtime.ledger.cancel(old.id, by="test")
    swept.installation.server.advance(2 * 86_400)
    swept.runtime.ledger.cancel(young.id, by="test")
    kept = swept.installation.publish()
    swept.installation.server.advance(86_400 + 60)
    swept.sweep()
    assert swept.installation.queries.get(old.id) is not None, "it is looked for once a minute"
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert swept.installation.queries.get(old.id) is None
    assert swept.installation.record(young.id).state == "cancelled"
    assert swept.installation.record(still_open.id).state == "expired"
    assert swept.installation.record(kept.id).state == "expired"


def test_much_is_forgotten_in_bounded_parts_sweep_by_sweep_and_nothing_of_it_stays(swept: Swept) -> None:
    swept.runtime.store.change({"text.history_days": 1}, author="test")
    ids = swept.installation.publish_many(PURGES_A_SWEEP * BATCH + 50)
    for notification_id in ids:
        swept.runtime.ledger.cancel(notification_id, by="test")
    swept.installation.server.advance(2 * 86_400)
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert swept.installation.queries.counts()["cancelled"] == 50
    swept.sweep()
    assert swept.installation.queries.counts()["cancelled"] == 0
    left = {str(key) for kind in ("n", "t", "by", "list", "numbers", "key") for key in _keys(swept, kind)}
    assert left == set()


def _keys(swept: Swept, kind: str) -> list[str]:
    return list(map(str, swept.redis.keys(f"{swept.runtime.environment.prefix}:{kind}:*")))


def test_rows_of_the_audit_go_after_the_days_of_the_option_that_hold_now(swept: Swept) -> None:
    audit = Audit(swept.redis)
    audit.record("anna", "message.cancel", "1")
    swept.installation.server.advance(3 * 86_400)
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert len([*audit.rows()]) == 1
    swept.runtime.store.change({"audit.days": 2}, author="test")
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert [row.action for row in audit.rows()] == ["options.change"]


def test_a_fault_in_the_audit_keeps_no_notification_from_being_forgotten_nor_the_other_way(
    swept: Swept,
) -> None:
    swept.runtime.store.change({"text.history_days": 1, "audit.days": 1}, author="test")
    old = swept.installation.publish()
    swept.runtime.ledger.cancel(old.id, by="test")
    audit = Audit(swept.redis)
    swept.redis.rename("notify:audit", "notify:audit:kept")
    swept.redis.set("notify:audit", "no stream")
    swept.installation.server.advance(2 * 86_400)
    swept.now += PURGE_EVERY_SECONDS
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        swept.sweep()
    assert swept.installation.queries.get(old.id) is None
    swept.redis.rename("notify:audit:kept", "notify:audit")
    swept.redis.set("notify:finished", "no index")
    assert [*audit.rows()]
    swept.now += PURGE_EVERY_SECONDS
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        swept.sweep()
    assert not [*audit.rows()]
