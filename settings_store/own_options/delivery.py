"""How long and how often a notification is tried."""

from __future__ import annotations

from settings_store.kinds import Boolean, Integer
from settings_store.option import Option

TITLE = "Delivery"

OPTIONS: tuple[Option, ...] = (
    Option(
        "delivery.email_age_limit_hours",
        "Age limit of an e-mail",
        Integer(1, 168, "hours"),
        24,
        "How long an e-mail is tried, from the moment it was accepted. After that it is expired, "
        "and waits in the list of the undelivered for a person.",
    ),
    Option(
        "delivery.text_age_limit_hours",
        "Age limit of a text",
        Integer(1, 168, "hours"),
        4,
        "The same for a text.",
    ),
    Option(
        "delivery.longest_gap_minutes",
        "Longest gap between tries",
        Integer(1, 240, "minutes"),
        60,
        "The gaps between two tries grow from 15 seconds to this. Shorter ones find out sooner that what was "
        "refused for the time being is taken now; a server that was down is found out about by itself.",
    ),
    Option(
        "delivery.resend_uncertain_email",
        "Resend an uncertain e-mail once",
        Boolean(),
        default=True,
        help="An e-mail is uncertain when the server's last reply was lost: it may have gone out or not. "
        "True sends it once more by the same server, byte for byte the same; False leaves it to a person.",
    ),
    Option(
        "delivery.resend_uncertain_text",
        "Resend an uncertain text once",
        Boolean(),
        default=False,
        help="A text is uncertain when the server's last reply was lost: it may have gone out or not. "
        "True sends it once more and risks a second copy; False leaves it to a person.",
    ),
    Option(
        "delivery.uncertain_fail_over_minutes",
        "Uncertain: wait for the same server",
        Integer(1, 1440, "minutes"),
        5,
        "What is uncertain is sent once more by the same server. Where that server cannot be reached, is "
        "paused or was replaced by other options for so long, the other one sends it, at the risk of a "
        "second copy.",
    ),
    Option(
        "delivery.breaker_failures",
        "Failures until a server is passed over",
        Integer(1, 100),
        3,
        "After so many failures in a row, counted over all workers, a server is passed over until a test "
        "finds it well again. One that refuses our sign-in or our sender is passed over at once.",
    ),
)
