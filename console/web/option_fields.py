"""Options as fields of a form: what a page shows of one, taken from the catalogue alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from settings_store.calendar_date import CalendarDate
from settings_store.catalog import ALL_OPTIONS, GROUPS, selected
from settings_store.change import after_change, difference
from settings_store.history import Mark, Pair
from settings_store.kinds import TEXT_MAXIMUM_CHARACTERS, Boolean, Choice, Guid, Integer, Secret, Text, Value
from settings_store.option import Option
from settings_store.secret_expiry import secret_expiries
from settings_store.snapshot import MIRRORS, Snapshot
from settings_store.store import SettingsStore

_GUID_PATTERN: Final = r"\s*\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?\s*"
_SECOND_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class OptionField:
    """One option on a page.

    Attributes:
        option: From the catalogue.
        input: Which element: `number`, `checkbox`, `choice`, `date`, `secret` or `text`.
        attributes: What lets a browser check it before it is sent; the server checks again.
        value: As it is typed: what the form shows. Of a secret blank, or what was typed just now, sealed.
        own: The option's own value as typed, whatever a mirror lays over it.
        is_mirrored: Whether its primary's value holds in its place.
        is_set: Of a secret: whether there is one.
        is_cleared: Of a secret: whether the form asks for it to be cleared.
        mark: Who set it and when; None where it is at its default.
        expires: Of a secret: how long it holds, in words; blank where that is not known.
        is_late: Whether it has expired, or will within 30 days.
        fault: What is wrong with the value that was typed; blank where nothing is.
    """

    option: Option
    input: str
    attributes: Mapping[str, str | int]
    value: str
    own: str
    is_mirrored: bool = False
    is_set: bool = False
    is_cleared: bool = False
    mark: Mark | None = None
    expires: str = ""
    is_late: bool = False
    fault: str = ""

    @property
    def key(self) -> str:
        """The option's name."""
        return self.option.key

    @property
    def label(self) -> str:
        """Its name on the page, without the server's in brackets."""
        return self.option.label.removesuffix(self.place).rstrip()

    @property
    def place(self) -> str:
        """The server's name in brackets, which those who hear the page need; blank where there is none."""
        title = f"({GROUPS[self.option.group]})"
        return title if self.option.label.endswith(title) else ""

    @property
    def default(self) -> str:
        """The default in words."""
        return value_words(self.key, self.option.default)

    @property
    def mark_ms(self) -> float | None:
        """When it was set, in Unix milliseconds."""
        return self.mark.at.timestamp() * _SECOND_MS if self.mark else None


@dataclass(frozen=True, slots=True)
class Form:
    """What a person has typed, or nothing yet.

    Attributes:
        typed: By option, as typed, where it differs from what the form was made from.
        faults: By option, what is wrong.
    """

    typed: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: Mapping[str, str] = field(default_factory=dict)


def option_fields(store: SettingsStore, snapshot: Snapshot, form: Form) -> dict[str, OptionField]:
    """Every option as a field, in the order of the catalogue."""
    snapshot = _with_typed_mirrors(snapshot, form.typed)
    marks = store.changed()
    expiries = {each.option: each for each in secret_expiries(snapshot, datetime.now(UTC).date())}
    fields = {}
    for key, option in ALL_OPTIONS.items():
        source = snapshot.source(key)
        expiry = expiries.get(source)
        typed = form.typed.get(key)
        element, attributes = _element(option)
        own = as_typed(snapshot.own(key)) if not option.secret else ""
        held = as_typed(snapshot.get(key)) if not option.secret else ""
        fields[key] = OptionField(
            option,
            element,
            attributes,
            value=form.typed.get(key if option.secret else source, held),
            own=own if typed is None or option.secret else typed,
            is_mirrored=source != key,
            is_set=option.secret and snapshot.is_set(key),
            is_cleared=option.secret and typed == "",
            mark=marks.get(source) if key in snapshot.changed else None,
            expires=expiry.words.partition(": ")[2] if expiry else "",
            is_late=expiry is not None and expiry.stage is not None,
            fault=form.faults.get(key, ""),
        )
    return fields


def _with_typed_mirrors(snapshot: Snapshot, typed: Mapping[str, str]) -> Snapshot:
    """The options with each "same as primary" as the form has it: what a mirror hides is the form's to show.

    A secondary whose mirror was just turned off shows its own values; else the form would send the
    primary's in their place.
    """
    flags = (flag for flag, _ in MIRRORS.values() if flag in typed)
    return after_change(snapshot, difference(snapshot, {flag: typed[flag] == str(True) for flag in flags}))


def as_typed(value: Value) -> str:
    """A value as a form shows and sends it."""
    return str(value)


def value_words(key: str, value: Value) -> str:
    """A value in a sentence; of a secret only whether there is one."""
    option = ALL_OPTIONS.get(key)
    if option is None or option.secret:
        return "set" if value != "" else "not set"
    if value == "":
        return "blank"
    unit = option.kind.unit if isinstance(option.kind, Integer) else ""
    return f"{value} {unit}".rstrip()


def change_rows(changes: Mapping[str, Pair]) -> list[dict[str, Any]]:
    """Each option that differs: its name, and its value before and after in words."""
    rows = []
    for key, (before, after) in changes.items():
        old, new = value_words(key, before), value_words(key, after)
        option = ALL_OPTIONS.get(key)
        rows.append(
            {
                "key": key,
                "label": option.label if option else key,
                "before": old,
                "after": "another one" if old == new else new,
            }
        )
    return rows


def mirrored_rows(before: Snapshot, after: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """What a mirror that is turned on or off changes, by the title of the secondary."""
    found = {}
    for group, (flag, _) in MIRRORS.items():
        if before.own(flag) != after.own(flag):
            pairs = {key: (before.get(key), after.get(key)) for key in selected(group)}
            differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
            found[GROUPS[group]] = change_rows(differing)
    return found


def groups_of(fields: Mapping[str, OptionField], groups: Iterable[str]) -> dict[str, Sequence[OptionField]]:
    """The fields of some groups, by group."""
    return {group: [fields[key] for key in selected(group)] for group in groups}


def _element(option: Option) -> tuple[str, dict[str, str | int]]:
    element = "text"
    limits: dict[str, str | int] = {"maxlength": TEXT_MAXIMUM_CHARACTERS}
    match option.kind:
        case Integer(minimum, maximum):
            element, limits = "number", {"min": minimum, "max": maximum, "step": 1, "required": "required"}
        case Boolean():
            element, limits = "checkbox", {}
        case Choice():
            element, limits = "choice", {}
        case CalendarDate():
            element, limits = "date", {}
        case Secret():
            element = "secret"
        case Guid():
            limits = {"pattern": _GUID_PATTERN, "title": option.kind.allowed}
        case Text(maximum_characters, refused):
            limits = {"maxlength": maximum_characters}
            if refused:
                limits |= {"pattern": f"[^{refused}]*", "title": option.kind.allowed}
    return element, limits
