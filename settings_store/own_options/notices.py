"""What the notifier tells its own operator, and how."""

from __future__ import annotations

from settings_store.address_list import AddressList
from settings_store.kinds import Boolean, Integer
from settings_store.option import Option
from settings_store.web_address import WebAddress

TITLE = "Notices to the operator"

OPTIONS: tuple[Option, ...] = (
    Option(
        "notices.email_to",
        "Notices go to (e-mail)",
        AddressList(),
        "",
        "Who is told by e-mail when this notifier itself needs somebody. It goes by the servers of any "
        "e-mail, so by the secondary while the primary is down. Blank is nobody.",
    ),
    Option(
        "notices.text_to",
        "Notices go to (text)",
        AddressList(),
        "",
        "Who is told by text while no e-mail server is up. Where nobody is told by e-mail, or Always by text "
        "is on, they are told of everything. Addresses that make a text of a mail; blank is nobody.",
    ),
    Option(
        "notices.text_always",
        "Always by text",
        Boolean(),
        default=False,
        help="Send every notice as a text too. False sends texts only while no e-mail server is up.",
    ),
    Option(
        "notices.webhook_url",
        "Webhook",
        WebAddress(),
        "",
        "Where each notice is posted as JSON besides, for a chat or an alarm system. It holds no address and "
        "no text of any notification. It is a secret, because such addresses carry keys. Blank is nowhere.",
    ),
    Option(
        "notices.fallback",
        "Tell of the fallback",
        Boolean(),
        default=True,
        help="Tell once when a primary server is down and its secondary carries everything, and once when "
        "that is over.",
    ),
    Option(
        "notices.all_down",
        "Tell when all servers are down",
        Boolean(),
        default=True,
        help="Tell once when no server is up for e-mail, or for texts, and once when that is over.",
    ),
    Option(
        "notices.misconfigured",
        "Tell of what only a person can cure",
        Boolean(),
        default=True,
        help="Tell once when a server refuses our sign-in, our sender or our certificate check, and once "
        "when it is in use again.",
    ),
    Option(
        "notices.undelivered",
        "Tell of the undelivered",
        Boolean(),
        default=True,
        help="Tell of notifications that ended without everybody having them, of many in one notice.",
    ),
    Option(
        "notices.held",
        "Tell of what is held",
        Boolean(),
        default=True,
        help="Tell once when notifications wait because no server is set that could carry them. "
        "It is told by text where an SMS server is set, and by the webhook: no e-mail goes out then.",
    ),
    Option(
        "notices.secret_expiry",
        "Tell of secrets that expire",
        Boolean(),
        default=True,
        help="Tell 30, 14, 7 and 1 days before the last day of a secret, and once it is over. "
        "Only those are known whose last day is set.",
    ),
    Option(
        "notices.backlog_minutes",
        "Tell of a backlog after",
        Integer(0, 1440, "minutes"),
        10,
        "Tell once when a notification that could be sent waits for a worker for so long, and once when "
        "workers keep up again. 0 tells nobody. It takes a worker to tell: an alert of Prometheus tells also "
        "where none lives.",
    ),
    Option(
        "notices.collect_seconds",
        "Collect the undelivered for",
        Integer(1, 3600, "seconds"),
        60,
        "How long after the first undelivered notification others are waited for, to be told in one notice.",
    ),
    Option(
        "notices.quiet_minutes",
        "Quiet time",
        Integer(0, 1440, "minutes"),
        15,
        "After a notice the next of its sort waits so long, and tells then of everything since. "
        "That something is over is told at once.",
    ),
)
