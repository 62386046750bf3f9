"""What is to be tested, as it is kept between whoever asks and the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

from settings_store.change import after_change, difference
from settings_store.entry import entered
from settings_store.kinds import Value
from settings_store.snapshot import MIRRORS, Snapshot
from tasks.addresses import InvalidAddress, parse_address
from tasks.live_test.author import checked_author
from tasks.live_test.errors import InvalidDraft
from tasks.server import Channel, ServerName

#: Stands for every server of a channel's chain.
CHAIN: Final = "chain"

Target = ServerName | Literal["chain"]

_TARGETS: Final = (*get_args(ServerName), CHAIN)


class Draft(msgspec.Struct, frozen=True):
    """What is to be tested.

    Attributes:
        target: One of the four servers, or `chain`.
        by: Who asks.
        source: From where, as the audit keeps it.
        channel: Whose chain, where the target is `chain`.
        overrides: Options that are tried without being saved, by name: values as `SettingsStore.change` takes
            them, laid over those that hold.
        to: Whom the server is asked about in RCPT; blank for nobody.
        send: Whether that recipient gets a real message.
    """

    target: Target
    by: str
    source: str = ""
    channel: Channel = "email"
    overrides: Mapping[str, object] = {}
    to: str = ""
    send: bool = False


def checked(draft: Draft, before: Snapshot) -> Draft:
    """The draft with its overrides in stored form, secrets sealed for their option.

    Args:
        draft: As asked for.
        before: The options that hold, with the cipher that seals.

    Raises:
        InvalidDraft: Target, recipient or author cannot be used, or a mirror hides an override.
        settings_store.errors.InvalidOption: An override is not allowed.
        settings_store.errors.SecretFault: A secret among them can be neither opened nor sealed here.
    """
    if draft.target not in _TARGETS:
        raise InvalidDraft(f"target: is no server; allowed: {', '.join(_TARGETS)}")
    if draft.channel not in get_args(Channel):
        raise InvalidDraft(f"channel: is none; allowed: {', '.join(get_args(Channel))}")
    by = checked_author(draft.by)
    to = draft.to.strip()
    if draft.send and not to:
        raise InvalidDraft("to: is blank; allowed: the address that the test message goes to")
    try:
        to = parse_address(to) if to else ""
    except InvalidAddress as fault:
        raise InvalidDraft(f"to: {fault}; allowed: one address, name@domain") from None
    stored = entered(draft.overrides, before)
    checked_draft = msgspec.structs.replace(draft, by=by, to=to, overrides=stored)
    _refuse_hidden(checked_draft, before)
    return checked_draft


def laid_over(draft: Draft, saved: Snapshot) -> Snapshot:
    """The options that a checked draft is tested with; the revision stays that of the saved ones."""
    values: dict[str, Value] = {
        key: value for key, value in draft.overrides.items() if isinstance(value, str | int | bool)
    }
    after = after_change(saved, difference(saved, values))
    return Snapshot(saved.revision, after.stored, saved.cipher)


def _refuse_hidden(draft: Draft, saved: Snapshot) -> None:
    """A value that a mirror hides would be tested by nobody, and look as if it were."""
    tested = laid_over(draft, saved)
    for key in draft.overrides:
        flag, _ = MIRRORS.get(key.partition(".")[0], ("", ""))
        if flag and tested.flag(flag):
            raise InvalidDraft(
                f"set: {key} has no effect while {flag} is on; allowed: together with {flag}=off"
            )


def bound_to(test_id: str) -> str:
    """What a sealed draft belongs to."""
    return f"server_test:{test_id}"
