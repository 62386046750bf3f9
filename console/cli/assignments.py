"""`KEY=VALUE` on the command line: what is a value, and where a secret is read from.

No argument is ever repeated in an error unless it names an option: it may be a secret in the wrong place.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.cli.errors import BadInput
from console.cli.typed_secret import from_file, from_stdin
from settings_store.catalog import ALL_OPTIONS, nearest
from settings_store.errors import UnknownOption
from settings_store.kinds import SEALED, Secret
from settings_store.option import Option

_FORM = "`notify options set KEY=VALUE --reason TEXT`"


def assigned(arguments: Sequence[str]) -> dict[str, str]:
    """The values by option.

    Raises:
        BadInput: An argument is no assignment, an option is given twice, or a secret is an argument.
        UnknownOption: An argument names no option but looks like one.
    """
    pairs = [_split(place, argument) for place, argument in enumerate(arguments, start=1)]
    values: dict[str, str] = {}
    from_pipe = ""
    for place, (key, value) in enumerate(pairs, start=1):
        option = _option(place, key)
        if key in values:
            raise BadInput(f"{key}: is given twice", "give each option once")
        if option.secret and value == "-":
            if from_pipe:
                raise BadInput(f"{key}: stdin holds one secret, and {from_pipe} takes it", f"{key}=@FILE")
            from_pipe = key
        values[key] = value
    return {key: _value(ALL_OPTIONS[key], value) for key, value in values.items()}


def _split(place: int, argument: str) -> tuple[str, str]:
    key, equals, value = argument.partition("=")
    if equals:
        return key.strip(), value
    known = argument.strip()
    if known in ALL_OPTIONS:
        raise BadInput(f"{known}: has no value", f"`notify options set {known}=VALUE --reason TEXT`")
    raise BadInput(f"argument {place} has no = in it", _FORM)


def _option(place: int, key: str) -> Option:
    option = ALL_OPTIONS.get(key)
    if option:
        return option
    proposals = nearest(key, ALL_OPTIONS)
    if proposals:
        raise UnknownOption(key, proposals)
    raise BadInput(f"argument {place} names no option", "`notify options list` shows every option")


def _value(option: Option, value: str) -> str:
    if not option.secret or not value:
        return value
    if value == "-":
        return from_stdin(option.label)
    if value.startswith("@"):
        return from_file(value[1:])
    if SEALED.match(value.strip()):
        return value
    raise BadInput(
        f"{option.key}: a secret is never an argument, where other users of this machine can read it",
        _way_to_give(option),
    )


def _way_to_give(option: Option) -> str:
    if isinstance(option.kind, Secret) and option.kind.encrypted_only:
        return (
            "type the password into `notify encrypt`, then paste what it prints: "
            f"`notify options set {option.key}=enc:... --reason TEXT`"
        )
    return (
        f"`notify options set {option.key}=- --reason TEXT` reads it from a hidden prompt or a pipe, "
        f"{option.key}=@FILE from a file"
    )
