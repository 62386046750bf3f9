"""What the options say about looks, times and policy, as the values that a delivery works with."""

from __future__ import annotations

from settings_store.snapshot import Snapshot
from tasks.prefix import TextOptions
from tasks.transports.timeouts import Timeouts


def text_options(snapshot: Snapshot) -> TextOptions:
    """How messages look."""
    return TextOptions(
        labels=snapshot.flag("text.labels"),
        machine_name=snapshot.flag("text.machine_name"),
        delimiter=snapshot.text("text.delimiter"),
        job_number=snapshot.flag("text.job_number_in_job_name"),
        installation_name=snapshot.text("text.installation_name"),
    )


def longest_gap_seconds(snapshot: Snapshot) -> float:
    """What the gaps between passes grow to."""
    return snapshot.number("delivery.longest_gap_minutes") * 60.0


def timeouts(snapshot: Snapshot) -> Timeouts:
    """How long each step with a server may take."""
    return Timeouts(
        connect_seconds=snapshot.number("timeouts.connect_seconds"),
        reply_seconds=snapshot.number("timeouts.command_reply_seconds"),
        data_start_seconds=snapshot.number("timeouts.data_start_seconds"),
        final_seconds=snapshot.number("timeouts.final_reply_seconds"),
    )


def resent_channels(snapshot: Snapshot) -> frozenset[str]:
    """The channels of which a message that may have arrived is sent once more."""
    return frozenset(each for each in ("email", "text") if snapshot.flag(f"delivery.resend_uncertain_{each}"))
