"""When an e-mail that does not get through is followed by a text."""

from __future__ import annotations

from settings_store.address_list import AddressList
from settings_store.kinds import Boolean, Integer
from settings_store.option import Option

TITLE = "Escalation by text"

OPTIONS: tuple[Option, ...] = (
    Option(
        "escalation.enabled",
        "Follow an e-mail by a text",
        Boolean(),
        default=True,
        help="Send a text, once, where an e-mail does not get through: to the addresses that it names in "
        "escalate_text_to, else to the list below. The e-mail goes on. False sends none.",
    ),
    Option(
        "escalation.after_passes",
        "Passes before the text",
        Integer(1, 20, "passes"),
        2,
        "After so many tries of all its servers without reaching everybody an e-mail is followed by a text. "
        "The second try comes 8 to 15 seconds after the first, the third 45 seconds after that at most.",
    ),
    Option(
        "escalation.text_to",
        "Texts go to",
        AddressList(),
        "",
        "Who gets the text where an e-mail names nobody itself: addresses that make a text of a mail, as for "
        "any text. Every e-mail that is late sends one, so in an outage that may be many; blank leaves it to "
        "those e-mails that name somebody.",
    ),
)
