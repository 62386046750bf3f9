"""The options as they hold at one revision: defaults filled in, "same as primary" read through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from settings_store.catalog import ALL_OPTIONS, find
from settings_store.cipher import Cipher, mark_of
from settings_store.kinds import MASK, Value

#: Each mirrored group, the option that turns the mirror on, and the group that is read instead.
MIRRORS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"secondary_email": ("mirror.email", "primary_email"), "secondary_sms": ("mirror.sms", "primary_sms")}
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every option at one revision; it never changes, and it needs no Redis.

    Attributes:
        revision: How many changes were made before; 0 where nothing was ever set.
        stored: The values that differ from their defaults, secrets sealed; also those of options that only
            another version of this program knows.
        cipher: Opens the secrets.
    """

    revision: int = 0
    stored: Mapping[str, Value] = field(default_factory=dict, repr=False)
    cipher: Cipher = field(default_factory=lambda: Cipher(None, ""), repr=False)
    _derived: dict[Callable[[Snapshot], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def derive(self, work_out: Callable[[Snapshot], T]) -> T:
        """What follows from these options alone, worked out when it is first asked for.

        Args:
            work_out: A function that lives as long as the program; its result is shared and must not change.
        """
        try:
            known: T = self._derived[work_out]
        except KeyError:
            known = self._derived[work_out] = work_out(self)
        return known

    def get(self, key: str) -> Value:
        """The value that holds; of a secret a mask of fixed length, or blank where none is set.

        Raises:
            UnknownOption: There is no such option.
        """
        return _masked(key, self._effective(key))

    def get_own(self, key: str) -> Value:
        """The option's own value, whatever a mirror lays over it, shown as `get` shows one.

        Raises:
            UnknownOption: There is no such option.
        """
        return _masked(key, self.own(key))

    def flag(self, key: str) -> bool:
        """The value of a True-or-False option.

        Raises:
            TypeError: The option is of another kind.
        """
        value = self.get(key)
        if not isinstance(value, bool):
            raise TypeError(f"{key} is not True or False")
        return value

    def number(self, key: str) -> int:
        """The value of an integer option.

        Raises:
            TypeError: The option is of another kind.
        """
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{key} is not a number")
        return value

    def text(self, key: str) -> str:
        """The value of a text, GUID or choice; of a secret, the mask.

        Raises:
            TypeError: The option is of another kind.
        """
        value = self.get(key)
        if not isinstance(value, str):
            raise TypeError(f"{key} is not text")
        return value

    def seal(self, key: str) -> str:
        """A secret as stored: sealed; blank where none is set. `mark` tells secrets apart.

        Raises:
            TypeError: The option is no secret.
        """
        value = self._effective(key)
        if not find(key).secret or not isinstance(value, str):
            raise TypeError(f"{key} is not a secret")
        return value

    def mark(self, key: str) -> str:
        """What tells a secret from others without opening it; a key rotation leaves it as it is.

        Blank where none is set.

        Raises:
            TypeError: The option is no secret.
        """
        return mark_of(self.seal(key))

    def secret(self, key: str) -> Callable[[], str]:
        """What opens a secret when it is called, never before; it returns blank where none is set.

        The call raises `SecretFault` where this process cannot open it.

        Raises:
            TypeError: The option is no secret.
        """
        return Opener(self.cipher, self.source(key), self.seal(key))

    def is_set(self, key: str) -> bool:
        """Whether a text, GUID or secret is anything but blank."""
        value = self._effective(key)
        return bool(value.strip()) if isinstance(value, str) else True

    @property
    def changed(self) -> frozenset[str]:
        """The options whose value is not the default, mirrored ones included."""
        return frozenset(key for key, option in ALL_OPTIONS.items() if self._effective(key) != option.default)

    def source(self, key: str) -> str:
        """The option whose value holds for this one: itself, or the primary's while the mirror is on."""
        group, _, name = key.partition(".")
        flag, primary = MIRRORS.get(group, ("", ""))
        return f"{primary}.{name}" if flag and self.stored.get(flag, False) else key

    def own(self, key: str) -> Value:
        """The option's own value, whatever a mirror lays over it; of a secret the sealed value."""
        return self.stored.get(key, find(key).default)

    def _effective(self, key: str) -> Value:
        return self.own(self.source(key))


def _masked(key: str, value: Value) -> Value:
    """The value fit to be shown."""
    return MASK if value and find(key).secret else value


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens one sealed secret when called; its representation shows neither the secret nor the seal."""

    cipher: Cipher = field(repr=False)
    option: str
    sealed: str = field(repr=False)

    def __call__(self) -> str:
        """The secret; blank where none is set.

        Raises:
            SecretFault: This process cannot open it.
        """
        return self.cipher.open(self.option, self.sealed) if self.sealed else ""
