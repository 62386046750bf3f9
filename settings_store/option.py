"""One option as an administrator knows it, whatever group it is in."""

from __future__ import annotations

from dataclasses import dataclass

from settings_store.errors import InvalidValue
from settings_store.kinds import Kind, Refused, Secret, Value


@dataclass(frozen=True, slots=True)
class Option:
    """Everything there is to know about one option; store, command line, page and docs read it here.

    Attributes:
        key: Its name everywhere, `group.name`.
        label: Its name on the page.
        kind: What it takes.
        default: What holds until somebody sets it.
        help: What it does, in an administrator's words.
    """

    key: str
    label: str
    kind: Kind
    default: Value
    help: str

    @property
    def group(self) -> str:
        """The part of the key before the dot."""
        return self.key.partition(".")[0]

    @property
    def secret(self) -> bool:
        """Whether the value is sealed before it is stored."""
        return isinstance(self.kind, Secret)

    def parse(self, raw: object) -> Value:
        """The canonical form of a value; of a secret, what was given, neither opened nor sealed.

        Raises:
            InvalidValue: The value is not allowed.
        """
        try:
            return self.kind.parse(raw)
        except Refused as refused:
            fault = str(refused)
        raise InvalidValue(self.key, fault, self.kind.allowed)
