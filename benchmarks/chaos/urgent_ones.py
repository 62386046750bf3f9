"""High priority within a small limit that a backlog uses up: each goes at once, and the limit is kept."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.chaos.ending import PATIENCE_SECONDS
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.installation import running_installation
from tests.rigs.mailbox import open_mailbox

#: As Exchange Online allows a mailbox.
PER_MINUTE: Final = 30
CONNECTIONS: Final = 3
_ORDINARY: Final = 400
#: In the first minute less went before than the limit allows, so that nothing would be shown.
_FULL_AFTER_SECONDS: Final = 75
#: Two and a half places apart.
_EVERY_SECONDS: Final = 5.0
_MOST_SECONDS: Final = 1.0
_LEAST_OF_THE_PACE: Final = 0.9


def urgent_ones(setting: Setting) -> Outcome:
    """One of high priority every five seconds, by two workers, while hundreds of others use the limit up."""
    count = setting.size(4, 25)
    outcome = Outcome("urgent-ones", f"a limit of {PER_MINUTE} a minute is used up", _ORDINARY + count)
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as mailbox,
        installation.worker("-n", "w1@%h"),
        installation.worker("-n", "w2@%h"),
    ):
        installation.configure(primary=mailbox)
        limits = {
            "limits.primary_email_messages_per_minute": PER_MINUTE,
            "limits.primary_email_connections": CONNECTIONS,
        }
        installation.runtime.store.change(limits, author="chaos")
        limited_at = time.monotonic()
        installation.publish_many(_ORDINARY)
        time.sleep(setting.size(5, _FULL_AFTER_SECONDS))
        waits = []
        for _ in range(count):
            sent_at = time.monotonic()
            published = installation.publish(priority="high")
            record = installation.wait_state(published.id, "delivered", seconds=PATIENCE_SECONDS)
            assert record.finished_at_ms is not None
            waits.append((record.finished_at_ms - record.accepted_at_ms) / 1000)
            time.sleep(max(sent_at + _EVERY_SECONDS - time.monotonic(), 0))
        ended = time.monotonic()
        outcome.figures |= {
            "high_priority_median_seconds": round(sorted(waits)[count // 2], 3),
            "high_priority_most_seconds": round(max(waits), 3),
            "sent": mailbox.taken,
            "most_in_a_minute": mailbox.most_within(60.0),
            "most_connections_at_once": mailbox.most_connections_at_once,
        }
        if not setting.short:
            least = mailbox.least_in_a_minute(since=limited_at, until=ended)
            outcome.figures["least_in_a_minute"] = least
            outcome.expect(
                that=least >= PER_MINUTE * _LEAST_OF_THE_PACE, else_fault=f"only {least} in a minute"
            )
    figures = outcome.figures
    outcome.expect(that=max(waits) <= _MOST_SECONDS, else_fault=f"high priority waited {max(waits):.1f} s")
    outcome.expect(
        that=figures["most_in_a_minute"] <= PER_MINUTE, else_fault="more in a minute than is allowed"
    )
    outcome.expect(
        that=figures["most_connections_at_once"] <= CONNECTIONS,
        else_fault="more connections than are allowed",
    )
    outcome.seconds = time.monotonic() - began
    return outcome
