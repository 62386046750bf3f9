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
        "any text. Blank leaves it to those e-mails that name somebody.",
    ),
    Option(
        "escalation.texts_in_10_minutes",
        "Texts in 10 minutes",
        Integer(0, 1000, "texts"),
        10,
        "So many late e-mails are followed by a text to the list above within 10 minutes. One more text says "
        "that there are others, and those are followed by none. E-mails that name somebody themselves are "
        "not counted. 0 is no limit.",
    ),
)
