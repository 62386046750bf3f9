"""Values that options take, found by asking each option's kind: a new kind needs a candidate here at most."""

from __future__ import annotations

from hypothesis import strategies as st

from settings_store.errors import InvalidValue
from settings_store.kinds import Guid, Integer, Secret, Text, Value
from settings_store.option import Option
from settings_store.web_address import WebAddress

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
#: One that fits for each kind of text; the first that an option takes stands for it.
_CANDIDATES = (
    "other.example",
    "ops@other.example",
    "~",
    GUID,
    "2030-01-31",
    "/srv/other",
    "https://o.example",
    "1.3",
    "WARNING",
    "json",
)


def another_value(option: Option) -> Value:
    """A value in canonical form that is not the default; not of a secret, which is sealed by the store."""
    if isinstance(option.default, bool):
        return not option.default
    if isinstance(option.default, int):
        assert isinstance(option.kind, Integer)
        return option.default + 1 if option.default < option.kind.maximum else option.default - 1
    for candidate in _CANDIDATES:
        try:
            parsed = option.parse(candidate)
        except InvalidValue:
            continue
        if parsed not in {"", option.default}:
            return parsed
    raise AssertionError(
        f"{option.key}: no candidate is a value of it; add one to tests/rigs/option_values.py"
    )


def values_of(option: Option) -> st.SearchStrategy[Value]:
    """Any value that the option takes, in canonical form; of a secret, what a person types."""
    match option.kind:
        case Integer(minimum, maximum):
            return st.integers(minimum, maximum)
        case Guid():
            return st.uuids().map(str) | st.just("")
        case Text(maximum, refused):
            return _texts(maximum, refused)
        case WebAddress():
            return st.sampled_from(["", "https://o.example", "http://o.example:8080/hook?key=1"])
        case Secret(refused=refused):
            return _texts(40, refused)
    return st.sampled_from([option.default, another_value(option)])


def _texts(maximum: int, refused: str) -> st.SearchStrategy[str]:
    alphabet = st.characters(exclude_categories=("Cc", "Zl", "Zp", "Cs"), exclude_characters=refused)
    return st.text(alphabet, max_size=min(maximum, 40))
