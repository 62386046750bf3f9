"""The options we add to the page's 43, in groups of their own: a module a group, named as the group is."""

from __future__ import annotations

from collections.abc import Mapping

from settings_store.option import Option
from settings_store.own_options import (
    attachments,
    audit,
    console,
    delivery,
    escalation,
    jors,
    limits,
    local_files,
    logging,
    mirror,
    notices,
    oauth,
    secret_expiry,
    text,
    timeouts,
    tls,
    unc,
)

#: The groups in the order in which they are shown.
_GROUPS = (
    mirror,
    text,
    delivery,
    escalation,
    notices,
    limits,
    timeouts,
    tls,
    oauth,
    audit,
    secret_expiry,
    console,
    unc,
    attachments,
    jors,
    local_files,
    logging,
)

#: Each group and its title.
OWN_GROUPS: Mapping[str, str] = {group.__name__.rpartition(".")[2]: group.TITLE for group in _GROUPS}

OWN: tuple[Option, ...] = tuple(option for group in _GROUPS for option in group.OPTIONS)
